"""What a training run writes, so that a crash leaves the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import torch
from torch import Tensor

from sam_backend.errors import CheckpointError, DatasetError, StorageError
from sam_backend.model.sam import Sam


def save_weights(network: Sam, path: Path) -> None:
    """Write a network's weights in float16, as `load_sam` reads them."""
    save_atomically({name: _as_float16(value) for name, value in network.state_dict().items()}, path)


def save_atomically(content: object, path: Path) -> None:
    """Write a PyTorch file, and the folders it lies in.

    Raises:
        StorageError: a folder can't be made.
    """
    _make_folder(path.parent)
    unfinished = path.with_name(path.name + ".unfinished")
    torch.save(content, unfinished)
    os.replace(unfinished, path)


def load_state(path: Path) -> dict[str, object]:
    """Read what `save_atomically` wrote of a run.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"there is no {path} to go on from: leave out --resume to begin") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise CheckpointError(f"{path} can't be read ({reason}): begin again in another folder") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is no state of a training run: begin again in another folder")
    return content


def save_text(text: str, path: Path) -> None:
    """Write a text file, and the folders it lies in.

    Raises:
        StorageError: a folder can't be made.
    """
    _make_folder(path.parent)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def check_same(record_json: str, path: Path) -> None:
    """Refuse to go on with a run under other conditions than it was begun with: it would be neither run.

    Args:
        record_json: the conditions now, a table.
        path: of those that were recorded.

    Raises:
        DatasetError: they differ; the message names in what.
        CheckpointError: the file is missing or damaged.
    """
    recorded = _read_table(path)
    now = json.loads(record_json)
    differing = sorted(name for name in recorded.keys() | now.keys() if recorded.get(name) != now.get(name))
    if differing:
        name = differing[0]
        raise DatasetError(
            f"the run was begun with {name} = {recorded.get(name)!r}, now {now.get(name)!r} is asked for: "
            f"resume with what its {path.name} says, or begin another run"
        )


def _read_table(path: Path) -> dict[str, object]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(
            f"{path}, which says how the run was begun, can't be read ({reason}): put it back, or begin another run"
        ) from None
    if not isinstance(table, dict):
        raise CheckpointError(f"{path} holds no table of how the run was begun: put it back, or begin another run")
    return table


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {folder} can't be made ({error.strerror}): choose another one") from None


def _as_float16(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value
