"""The outlines that a run was prompted with, held against what it found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import LayerError, OptionsError
from sam_backend.geo.compare import Comparison, compare
from sam_backend.geo.frame import outlines_to_map
from sam_backend.geo.layers import FieldKind, Layer, Value
from sam_backend.geo.merge import MergedObject
from sam_backend.geo.merge.placed import placed_in, rect_of
from sam_backend.geo.prompt_layer import FeaturePrompt, PromptKind, read_prompt_layer
from sam_backend.geo.prompt_tiles import assign_to_tiles
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.prompt_segmenter import tiles_of_views
from sam_backend.geo.run.run_place import RunPlace
from sam_backend.geo.run.run_settings import file_state
from sam_backend.geo.tiles import PixelRect

COMPARED = {
    "iou_to_old": FieldKind.REAL,
    "shift_east": FieldKind.REAL,
    "shift_north": FieldKind.REAL,
    "change": FieldKind.TEXT,
}
"""Fields of the objects; shifts are in the units of the CRS."""


def with_comparison(layer: Layer) -> Layer:
    """The layer with `COMPARED` behind its own fields."""
    return replace(layer, fields={**layer.fields, **COMPARED})


def check_comparable(prompts: Path | None, kind: PromptKind | None) -> None:
    """Make sure that there are outlines to compare with.

    Raises:
        OptionsError: there are none.
    """
    if prompts is None or kind not in (None, PromptKind.POLYGONS):
        raise OptionsError("compare needs old outlines to compare with: give them as prompts of polygons")


@dataclass(frozen=True, slots=True, eq=False)
class OldOutlines:
    """Those that the model has looked at, by feature id."""

    prompts: Mapping[int, FeaturePrompt]
    place: RunPlace

    @classmethod
    def of(cls, journal: Journal) -> OldOutlines:
        """Read the run's layer of prompts once more.

        Raises:
            OptionsError: the run wasn't prompted with polygons.
            LayerError: the layer isn't what it was.
        """
        settings, place = journal.settings, journal.place
        file = None if settings.prompts is None else Path(settings.prompts)
        state, _, kind = (settings.prompts_state or "").rpartition(", ")
        check_comparable(file, next((one for one in PromptKind if str(one) == kind), None))
        if file is None or not file.exists() or file_state(file) != state:
            raise LayerError(
                f"the prompts {file} were changed or moved since the run began: begin a new run to compare"
            )
        layer = read_prompt_layer(file, PromptKind.POLYGONS, place.transform, place.crs)
        views = assign_to_tiles(layer.prompts, place.grid).views
        reports = journal.reports()
        tiles = tiles_of_views(views, place.grid)
        seen = [
            prompt
            for tile, view in zip(tiles, views, strict=True)
            for prompt in view.prompts
            if tile.index in reports and reports[tile.index].status == "done"
        ]
        return cls({prompt.feature_id: prompt for prompt in seen}, place)

    def compare(self, merged: MergedObject) -> Comparison:
        """What became of the outline that an object answers."""
        prompt = self.prompts[merged.feature_id or 0]
        rect = _around(rect_of(merged.placed), prompt)
        old, new = prompt.outline_mask_in(rect), placed_in(merged.placed, rect)
        return compare(old, new, merged.predicted_iou, merged.stability)

    def on_map(self, feature_ids: Sequence[int]) -> NDArray[np.object_]:
        """Old outlines in map coordinates."""
        return outlines_to_map([self.prompts[feature_id].polygon for feature_id in feature_ids], self.place.transform)

    def properties(self, comparison: Comparison) -> dict[str, Value]:
        """The values of `COMPARED`."""
        shift_xy_px, transform = comparison.shift_xy_px, self.place.transform
        east = north = None
        if shift_xy_px is not None:
            right, down = shift_xy_px
            east, north = transform.a * right + transform.b * down, transform.d * right + transform.e * down
        return {
            "iou_to_old": comparison.iou_to_old,
            "shift_east": east,
            "shift_north": north,
            "change": comparison.change,
        }


def _around(rect: PixelRect, prompt: FeaturePrompt) -> PixelRect:
    left, top, right, bottom = prompt.bounds_xyxy.tolist()
    return PixelRect(
        min(rect.left_px, math.floor(left)),
        min(rect.top_px, math.floor(top)),
        max(rect.right_px, math.ceil(right)),
        max(rect.bottom_px, math.ceil(bottom)),
    )
