"""The service as what operations of the protocol need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sam_backend.errors import CheckpointError
from sam_backend.geo.protocol.host import ModelFacts
from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.geo.run.patience import check_wanted
from sam_backend.predict.predictor import Predictor
from sam_backend.service.model_loader import ModelLoader, ModelUnavailableError
from sam_backend.service.raster.courtesy import CourteousPredictor, Courtesy

_WAIT_FOR_MODEL_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class ClickHost:
    """For requests that somebody waits for."""

    model: ModelLoader
    views: ViewBook

    def model_facts(self) -> ModelFacts:
        """See `Host`."""
        return self.model.status()

    def wait_for_model(self, is_cancelled: Callable[[], bool]) -> Predictor:
        """See `Host`."""
        check_wanted(is_cancelled)
        return _loaded(self.model, _WAIT_FOR_MODEL_S)

    def cancel(self, target: str) -> bool:
        """See `Host`. Over HTTP a run is cancelled where it lies, and nothing else goes on for long."""
        return False


@dataclass(frozen=True, slots=True)
class RunHost:
    """For runs: they wait for the model as long as it takes, and let everybody go first."""

    model: ModelLoader
    views: ViewBook
    courtesy: Courtesy

    def model_facts(self) -> ModelFacts:
        """See `Host`."""
        return self.model.status()

    def wait_for_model(self, is_cancelled: Callable[[], bool]) -> Predictor:
        """See `Host`."""
        while True:
            check_wanted(is_cancelled)
            try:
                return CourteousPredictor.of(_loaded(self.model, _POLL_S), self.courtesy)
            except ModelUnavailableError:
                continue  # still loading

    def cancel(self, target: str) -> bool:
        """See `Host`."""
        return False


def _loaded(model: ModelLoader, timeout_s: float) -> Predictor:
    try:
        return model.wait(timeout_s)
    except ModelUnavailableError:
        status = model.status()
        if status.state == "failed":
            raise CheckpointError(status.error) from None
        raise
