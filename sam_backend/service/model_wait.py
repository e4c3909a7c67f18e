"""Waiting for the model while it is being loaded, in a seat: some threads of the server are left for the others."""

from __future__ import annotations

from contextlib import nullcontext

from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.patience import Patience


def wait_for_model(model: ModelLoader, lanes: EncodeLanes, patience: Patience) -> Predictor:
    """Return the model, waiting for it if need be.

    Raises:
        EncodesBusyError: as many people as may wait do already.
        ModelUnavailableError: it couldn't be loaded, or isn't when patience ends.
    """
    is_loading = model.status().state == "loading"
    with lanes.seat() if patience.is_person and is_loading else nullcontext():
        return model.wait(patience.left_s or 0.0)
