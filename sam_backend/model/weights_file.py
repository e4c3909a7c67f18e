"""From a file to named tensors: PyTorch files and safetensors. Nothing in a file is ever run: weights only."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sam_backend.errors import CheckpointError

WRAPPERS = ("model", "model_state", "model_state_dict", "state_dict")
"""Under which of these names a training program may have put the weights, beside an optimizer and counters."""

# What the reading of a damaged or foreign file ends in: these come from the zip, pickle and tensor layers below.
UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    SafetensorError,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    TypeError,
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors, as float32, from the wrapping of a training program if there is one.

    Raises:
        CheckpointError: the file is truncated, of another kind, or holds something else than named tensors.
    """
    try:
        content = load_file(path) if _is_safetensors(path) else _load_pickled(path)
    except OSError as error:
        raise CheckpointError(f"{path.name} can't be read: {error.strerror or error}") from None
    except UNREADABLE as error:
        raise CheckpointError(_unreadable(path, str(error))) from None
    weights = _unwrap(content)
    if weights is None:
        raise CheckpointError(
            f"{path.name} holds no plain table of weights: save the network's state_dict() and load that"
        )
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def _is_safetensors(path: Path) -> bool:
    """Whether the file starts with the length of a JSON header and that header, as safetensors do."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and not start.startswith(b"PK")


def _load_pickled(path: Path) -> object:
    with path.open("rb") as file:  # a path would let PyTorch go by the ending of the name
        return torch.load(file, map_location="cpu", weights_only=True)


def _unreadable(path: Path, reason: str) -> str:
    if "Unsupported global" in reason or "Unsupported class" in reason:
        return (
            f"{path.name} can't be read as weights: it holds Python objects besides, and code of a file is never run; "
            "where it was made, save the network's state_dict() alone and load that"
        )
    first_sentence = reason.split("\n", 1)[0].split(". ", 1)[0]
    if first_sentence.startswith("Weights only load failed"):  # followed by advice to run the file's code
        first_sentence = "neither a PyTorch nor a safetensors file"
    return (
        f"{path.name} can't be read as weights ({first_sentence}): it is truncated or no SAM checkpoint; fetch it again"
    )


def _unwrap(content: object) -> dict[str, Tensor] | None:
    if not isinstance(content, Mapping):
        return None
    if all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()):
        return dict(content)
    wrapped = (_unwrap(content[name]) for name in WRAPPERS if name in content)
    return next((weights for weights in wrapped if weights), None)
