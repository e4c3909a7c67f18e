"""The service as what operations of the protocol need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sam_backend.errors import CheckpointError
from sam_backend.geo.protocol.host import ModelFacts
from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.geo.run.patience import check_wanted
from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.model_loader import ModelLoader, ModelUnavailableError
from sam_backend.service.model_wait import wait_for_model
from sam_backend.service.patience import Patience
from sam_backend.service.raster.courtesy import CourteousPredictor, Courtesy

_WAIT_FOR_MODEL_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class ClickHost:
    """For requests that somebody waits for."""

    model: ModelLoader
    views: ViewBook
    lanes: EncodeLanes

    def model_facts(self) -> ModelFacts:
        """See `Host`."""
        return self.model.status()

    def wait_for_model(self, is_cancelled: Callable[[], bool]) -> Predictor:
        """See `Host`."""
        check_wanted(is_cancelled)
        patience = Patience.of_person(_WAIT_FOR_MODEL_S)
        return _or_why_not(self.model, lambda: wait_for_model(self.model, self.lanes, patience))

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
                predictor = _or_why_not(self.model, lambda: self.model.wait(_POLL_S))
                return CourteousPredictor.of(predictor, self.courtesy)
            except ModelUnavailableError:
                continue  # still loading

    def cancel(self, target: str) -> bool:
        """See `Host`."""
        return False


def _or_why_not(model: ModelLoader, wait: Callable[[], Predictor]) -> Predictor:
    try:
        return wait()
    except ModelUnavailableError:
        status = model.status()
        if status.state == "failed":
            raise CheckpointError(status.error) from None
        raise
