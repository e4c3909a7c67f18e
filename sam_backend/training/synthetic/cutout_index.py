"""The list of what a folder of cut-outs holds: ``index.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sam_backend.errors import DatasetError

INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One prepared picture."""

    file: str
    """Relative to the folder, with forward slashes."""

    family: str
    """Pictures of one family show nearly the same thing."""

    source: str
    """The package that it came in."""

    licence: str
    """As the package states it."""

    held_out: bool
    """Whether it is kept for evaluation. All of a family share this."""


@dataclass(frozen=True, slots=True)
class CutoutIndex:
    """Objects with alpha and backgrounds without."""

    objects: tuple[Entry, ...]
    backgrounds: tuple[Entry, ...]

    def side(self, held_out: bool) -> CutoutIndex:
        """Only what is held out, or only what isn't."""
        objects, backgrounds = (
            tuple(entry for entry in entries if entry.held_out == held_out)
            for entries in (self.objects, self.backgrounds)
        )
        return CutoutIndex(objects=objects, backgrounds=backgrounds)


def write_index(index: CutoutIndex, folder: Path) -> None:
    """Write ``index.json``."""
    (folder / INDEX_NAME).write_text(json.dumps(asdict(index), indent=1) + "\n", encoding="utf-8")


def read_index(folder: Path) -> CutoutIndex:
    """Read ``index.json``.

    Raises:
        DatasetError: there is none, or it is damaged.
    """
    try:
        text = (folder / INDEX_NAME).read_text(encoding="utf-8")
    except OSError:
        raise DatasetError(
            f"{folder} holds no {INDEX_NAME}: make it with python -m sam_backend.training.synthetic.fetch {folder}"
        ) from None
    try:
        fields = json.loads(text)
        objects, backgrounds = (tuple(Entry(**entry) for entry in fields[part]) for part in ("objects", "backgrounds"))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{folder / INDEX_NAME} is damaged ({error!r}): prepare the folder again") from None
    return CutoutIndex(objects=objects, backgrounds=backgrounds)
