"""What the masks of a folder are made with, kept beside them: another run must not mix others in."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeAlias

from sam_backend.errors import OptionsError
from sam_backend.predict.automatic.annotation_files import write_json
from sam_backend.predict.automatic.options import AutomaticOptions

RECIPE_NAME = "made-with.json"

CHANGES_NOTHING = {"points_per_batch"}
"""Options that decide how fast masks are found, not which."""

Recipe: TypeAlias = "dict[str, Any]"
"""The model, its number type and every option, by name."""


def recipe_of(model_version: str, dtype: str, options: AutomaticOptions) -> Recipe:
    """All that decides which masks are found; the options as the command line can give them."""
    values = {name: value for name, value in dataclasses.asdict(options).items() if name not in CHANGES_NOTHING}
    return {"model": model_version, "dtype": dtype} | values


def begin_or_go_on(recipe: Recipe, folder: Path, holds_masks: bool) -> None:
    """Keep the recipe in a folder, or make sure that it is the one that the folder's masks were made with.

    A folder with masks but without a recipe, as earlier versions made them, is taken as it is.

    Raises:
        OptionsError: the folder's recipe is another one, or can't be read.
    """
    path = folder / RECIPE_NAME
    if not holds_masks:
        write_json(recipe, path)
    elif path.exists():
        _check_same(_read(path), recipe, folder)


def _read(path: Path) -> Recipe:
    try:
        recipe: Recipe = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise OptionsError(
            f"{path} doesn't tell what the masks beside it were made with: choose another folder"
        ) from None
    return recipe


def _check_same(made_with: Recipe, asked: Recipe, folder: Path) -> None:
    differing = [name for name in asked if made_with.get(name) != asked[name]]
    if differing:
        before, now = (", ".join(f"{name} {of.get(name)}" for name in differing) for of in (made_with, asked))
        raise OptionsError(f"{folder} holds masks made with {before}, not {now}: choose another folder, or delete it")
