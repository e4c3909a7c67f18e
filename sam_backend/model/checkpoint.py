"""From a name or a file to a network with weights."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from sam_backend.errors import CheckpointError
from sam_backend.model.checkpoint_layouts import to_official_names
from sam_backend.model.published import PUBLISHED, places_of, sha256_of
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.variants import StateDict, infer_config
from sam_backend.model.weights_file import read_weights

EMBEDDED_NAME = "embedded"
EMBEDDED_FILE = Path(__file__).parent / "weights" / "embedded.pth"
OFFICIAL_FILES = {checkpoint.name: checkpoint.file_name for checkpoint in PUBLISHED}
"""Names of published checkpoints and the files they are published as."""


def find_checkpoint(path_or_name: str) -> Path:
    """The file that a name or path means. A published file lies in the working folder or in its ``checkpoints/``.

    Raises:
        CheckpointError: there is no such file.
    """
    official = OFFICIAL_FILES.get(path_or_name)
    places = (Path(path_or_name),) if official is None else places_of(official)
    if path_or_name == EMBEDDED_NAME:
        places = (EMBEDDED_FILE,)
    for place in places:
        if place.is_file():
            return place
    looked = " or ".join(str(place) for place in places)
    if official is None:
        raise CheckpointError(
            f"no checkpoint {path_or_name!r}: there is no file {looked}; "
            f"give the path of a SAM checkpoint or one of {', '.join([EMBEDDED_NAME, *OFFICIAL_FILES])}"
        )
    raise CheckpointError(
        f"the weights of {path_or_name} aren't here: put {official} at {looked}, "
        f"or fetch it with: python -m sam_backend checkpoints download {path_or_name}"
    )


def checkpoint_version(path_or_name: str) -> str:
    """A short name of exactly these weights, such as ``embedded-1a2b3c4d``: the name and the start of its SHA-256.

    Raises:
        CheckpointError: there is no such file.
    """
    return f"{checkpoint_name(path_or_name)}-{sha256_of(find_checkpoint(path_or_name))[:8]}"


def checkpoint_name(path_or_name: str) -> str:
    """What to call a checkpoint in front of people: its name, or its file's name without the folder and ending."""
    return path_or_name if path_or_name in {EMBEDDED_NAME, *OFFICIAL_FILES} else Path(path_or_name).stem


def load_network(path_or_name: str) -> Sam:
    """Build the network that a checkpoint holds, on the CPU in float32, in evaluation mode.

    Raises:
        CheckpointError: the file is missing, truncated, no weights, or doesn't fit a network of the family.
    """
    return read_network(find_checkpoint(path_or_name))[1]


def read_network(path: Path) -> tuple[SamConfig, Sam]:
    """The sizes and the network of a file, like `load_network`.

    Raises:
        CheckpointError: the file is truncated, no weights, or doesn't fit a network of the family.
    """
    state = read_state_dict(path)
    try:
        config = infer_config(state)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from None
    network = Sam(config)
    _load_strictly(network, state, path)
    return config, network.eval()


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the weights of a file as float32, under the names of the official files, whatever its kind and layout.

    Raises:
        CheckpointError: the file is truncated, of another kind, or holds something else than named tensors.
    """
    return to_official_names(read_weights(path))


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
