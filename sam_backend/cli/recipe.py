"""What the masks of a folder are made with, kept beside them: another run must not mix others in."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_backend.errors import OptionsError
from sam_backend.predict.automatic.annotation_files import write_json
from sam_backend.predict.automatic.options import AutomaticOptions

RECIPE_NAME = "made-with.json"
MODEL = "model"

CHANGES_NOTHING = {"points_per_batch"}
"""Options that decide how fast masks are found, not which."""


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """All that decides which masks are found in a picture."""

    model_version: str
    """Name of the weights, a hyphen, and their digest, as `checkpoint_version` gives them. The name is for reading."""

    dtype: str
    """The number type that the network runs in."""

    options: AutomaticOptions
    """As the command line can give them."""

    def keep_to(self, folder: Path, holds_masks: bool) -> None:
        """Keep the recipe in a folder, or make sure that it is the one that the folder's masks were made with.

        Masks without a recipe, as earlier versions made them, are taken as they are, which is said; a recipe without
        masks, as a run that was soon stopped leaves it, is replaced.

        Raises:
            OptionsError: the masks' recipe is another one, or can't be read.
        """
        path = folder / RECIPE_NAME
        if not holds_masks:
            write_json(self._content(), path)
        elif path.exists():
            _check_same(_read(path), self._content(), folder)
        else:
            print(f"{folder} holds masks without {RECIPE_NAME}, which says how they were made: taken as they are")

    def _content(self) -> dict[str, Any]:
        values = dataclasses.asdict(self.options).items()
        options = {name: value for name, value in values if name not in CHANGES_NOTHING}
        return {MODEL: self.model_version, "dtype": self.dtype} | options


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise OptionsError(
            f"{path} doesn't tell what the masks beside it were made with: choose another folder"
        ) from None


def _check_same(kept: dict[str, Any], asked: dict[str, Any], folder: Path) -> None:
    differing = [name for name in asked | kept if kept.get(name) != asked.get(name)]
    if _digest(kept) == _digest(asked):  # a copy of the file has another name
        differing = [name for name in differing if name != MODEL]
    if differing:
        before, now = (", ".join(f"{name} {of.get(name)}" for name in differing) for of in (kept, asked))
        raise OptionsError(f"{folder} is for masks made with {before}, not {now}: choose another folder, or delete it")


def _digest(content: dict[str, Any]) -> str:
    return str(content.get(MODEL)).rpartition("-")[2]
