"""Errors as clients are told them: a kind that says who can do something about it, and one sentence."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from typing import Literal

import torch

from sam_backend.errors import (
    CancelledError,
    CheckpointError,
    DeviceError,
    LayerError,
    MissingExtraError,
    RasterError,
    SamBackendError,
    StorageError,
    UnavailableError,
)

FailureKind = Literal["bad_request", "raster", "layer", "model", "storage", "out_of_memory", "unavailable", "internal"]

_KINDS: dict[type[SamBackendError], FailureKind] = {
    RasterError: "raster",
    LayerError: "layer",
    CheckpointError: "model",
    DeviceError: "model",
    StorageError: "storage",
    UnavailableError: "unavailable",
    CancelledError: "unavailable",
    MissingExtraError: "unavailable",
}
"""All others on purpose are for who asked to mend."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a request ended that didn't succeed."""

    kind: FailureKind

    message: str
    """What came, what was wanted, what to do."""


def failure_of(error: Exception) -> Failure:
    """What to tell of an error; of one that nobody expected the log gets all."""
    if isinstance(error, SamBackendError):
        kinds = (kind for known, kind in _KINDS.items() if isinstance(error, known))
        return Failure(next(kinds, "bad_request"), str(error))
    reason = (str(error).splitlines() or [""])[0]
    if is_out_of_memory(error):
        return Failure(
            "out_of_memory",
            f"the memory wasn't enough ({reason or type(error).__name__}): close what else needs it, show the model "
            "smaller views or fewer points at a time, or use another device",
        )
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return Failure("storage", f"a file can't be written ({error.strerror}): make room or choose another folder")
    _LOG.error("unexpected error", exc_info=error)
    return Failure(
        "internal", f"something unexpected went wrong ({type(error).__name__}: {reason}): please report it with the log"
    )


def is_out_of_memory(error: Exception) -> bool:
    """Whether the memory of the machine or of the device was too small."""
    # On the CPU PyTorch has no class of its own for it.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
