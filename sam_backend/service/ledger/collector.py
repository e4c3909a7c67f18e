"""The ledger for Prometheus. Gauges, since an annotation may be changed and deleted: such numbers fall, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sam_backend.errors import StorageError
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.service.ledger.summary import Summary, Tally, read_summary

_OUTCOMES = ("kept", "edited", "discarded", "open", "by_hand")


@dataclass(frozen=True, slots=True)
class LedgerCollector(Collector):
    """Reads the file anew at each look, so that every worker tells the same."""

    file: LedgerFile

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families, by label; none while the file can't be read, which the status page tells of."""
        try:
            with self.file.reading() as connection:
                summary = read_summary(connection)
        except StorageError:
            return
        yield _objects(summary)
        yield _by_label(
            summary, "sam_backend_ledger_edited_iou", "Mean IoU of edited objects with their answers.", "mean_iou"
        )
        yield _by_label(
            summary,
            "sam_backend_ledger_clicks_per_object",
            "Clicks and boxes for each submitted object.",
            "clicks_per_object",
        )
        yield _by_label(
            summary,
            "sam_backend_ledger_seconds_per_object",
            "From the first click to the last, for each submitted object.",
            "seconds_per_object",
        )
        yield GaugeMetricFamily("sam_backend_ledger_annotations", "Annotations compared.", value=summary.n_annotations)


def _objects(summary: Summary) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "sam_backend_ledger_objects", "Objects by what became of them in annotations.", labels=("label", "outcome")
    )
    for tally in summary.by_label:
        for outcome in _OUTCOMES:
            family.add_metric((tally.label or "", outcome), getattr(tally, outcome))
    return family


def _by_label(summary: Summary, name: str, what: str, value: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=("label",))
    for tally in summary.by_label:
        number = _number(tally, value)
        if number is not None:
            family.add_metric((tally.label or "",), number)
    return family


def _number(tally: Tally, name: str) -> float | None:
    number: float | None = getattr(tally, name)
    return number
