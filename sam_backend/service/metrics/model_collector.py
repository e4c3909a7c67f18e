"""Which model answers, as a figure."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sam_backend.service.model_loader import ModelLoader


class ModelCollector(Collector):
    """Read anew whenever somebody looks, since the model may change.

    Args:
        model: of this worker.
    """

    def __init__(self, model: ModelLoader) -> None:
        self._model = model

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One figure that says which model, one whether it is ready."""
        status = self._model.status()
        info = GaugeMetricFamily(
            "sam_backend_model_info", "The model; always 1", labels=("name", "version", "device", "state")
        )
        info.add_metric((status.name, status.version or "", status.device or "", status.state), 1)
        yield info
        yield GaugeMetricFamily("sam_backend_model_ready", "Whether it can answer", value=status.state == "ready")
