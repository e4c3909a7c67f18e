"""From a name or a file to a network with weights. Nothing in a file is ever run: weights only."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from sam_backend.errors import CheckpointError
from sam_backend.model.sam import Sam
from sam_backend.model.variants import StateDict, infer_config

EMBEDDED_NAME = "embedded"
EMBEDDED_FILE = Path(__file__).parent / "weights" / "embedded.pth"
OFFICIAL_FILES = {
    "vit_b": "sam_vit_b_01ec64.pth",
    "vit_l": "sam_vit_l_0b3195.pth",
    "vit_h": "sam_vit_h_4b8939.pth",
}
"""Official names and the files they are published as."""


def find_checkpoint(path_or_name: str) -> Path:
    """The file that a name or path means. The file of an official name lies here or in ``checkpoints/``.

    Raises:
        CheckpointError: there is no such file.
    """
    official = OFFICIAL_FILES.get(path_or_name)
    places = [Path(path_or_name)] if official is None else [Path(official), Path("checkpoints") / official]
    if path_or_name == EMBEDDED_NAME:
        places = [EMBEDDED_FILE]
    for place in places:
        if place.is_file():
            return place
    looked = " or ".join(str(place) for place in places)
    if official is None:
        raise CheckpointError(
            f"no checkpoint {path_or_name!r}: there is no file {looked}; "
            f"give the path of a SAM checkpoint or one of {', '.join([EMBEDDED_NAME, *OFFICIAL_FILES])}"
        )
    raise CheckpointError(f"the weights of {path_or_name} aren't here: put {official} at {looked}")


def checkpoint_version(path_or_name: str) -> str:
    """A short name of exactly these weights, such as ``embedded-1a2b3c4d``: the name and the start of its SHA-256.

    Raises:
        CheckpointError: there is no such file.
    """
    digest = hashlib.sha256()
    with find_checkpoint(path_or_name).open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return f"{checkpoint_name(path_or_name)}-{digest.hexdigest()[:8]}"


def checkpoint_name(path_or_name: str) -> str:
    """What to call a checkpoint in front of people: its name, or its file's name without the folder and ending."""
    return path_or_name if path_or_name in {EMBEDDED_NAME, *OFFICIAL_FILES} else Path(path_or_name).stem


def load_network(path_or_name: str) -> Sam:
    """Build the network that a checkpoint holds, on the CPU in float32, in evaluation mode.

    Raises:
        CheckpointError: the file is missing, truncated, no weights, or doesn't fit a network of the family.
    """
    path = find_checkpoint(path_or_name)
    state = read_state_dict(path)
    try:
        network = Sam(infer_config(state))
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from None
    _load_strictly(network, state, path)
    return network.eval()


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors, as float32.

    Raises:
        CheckpointError: the file is truncated, no PyTorch file, or holds something else than named tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).split("\n", 1)[0].split(". ", 1)[0]
        raise CheckpointError(
            f"{path.name} can't be read as weights ({reason}): it is truncated or no SAM checkpoint; fetch it again"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path.name} can't be read: {error.strerror}") from None
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            f"{path.name} holds no plain table of weights: save the network's state_dict() and load that"
        )
    return {name: _as_float32(value) for name, value in content.items()}


def _as_float32(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _load_strictly(network: Sam, state: StateDict, path: Path) -> None:
    wanted = network.state_dict()
    missing = sorted(wanted.keys() - state.keys())
    foreign = sorted(state.keys() - wanted.keys())
    misshapen = [name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape]
    if missing or foreign or misshapen:
        parts = [
            _some("missing", missing),
            _some("unknown", foreign),
            _some("of another shape", sorted(misshapen)),
        ]
        raise CheckpointError(
            f"{path.name} doesn't fit its network: {'; '.join(filter(None, parts))}; "
            "use a whole, unchanged checkpoint in the official layout"
        )
    network.load_state_dict(dict(state))


def _some(what: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
    return f"{len(names)} weights {what} ({shown})"
