"""The outlines that a run was prompted with, held against what it found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.errors import LayerError, OptionsError
from sam_backend.geo.alignment import Alignment
from sam_backend.geo.compare import Comparison, compare
from sam_backend.geo.frame import map_to_pixel_xy, outlines_to_map
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

    layer_xy_px: tuple[float, float] | None = None
    """By how much the whole layer has to be moved (right, down); None where nobody knows."""

    fits: Mapping[int, float] = field(default_factory=dict)
    """How well outlines fit the picture's edges there, by feature id, see `alignment.fit_of`."""

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
        alignment = None if settings.alignment is None else Alignment.from_json(settings.alignment)
        layer_xy_px = alignment.shift_xy_px if alignment is not None and alignment.n_outlines else None
        moved = [prompt.moved(layer_xy_px or (0.0, 0.0)) for prompt in layer.prompts]
        views = assign_to_tiles(moved, place.grid, _area_px(journal)).views
        reports = journal.reports()
        tiles = tiles_of_views(views, place.grid)
        seen = {
            prompt.feature_id
            for tile, view in zip(tiles, views, strict=True)
            for prompt in view.prompts
            if tile.index in reports and reports[tile.index].status == "done"
        }
        return cls(
            {prompt.feature_id: prompt for prompt in layer.prompts if prompt.feature_id in seen},
            place,
            layer_xy_px,
            {} if alignment is None else alignment.fits,
        )

    def compare(self, merged: MergedObject) -> Comparison:
        """What became of the outline that an object answers."""
        feature_id = merged.feature_id or 0
        prompt, fit = self.prompts[feature_id], self.fits.get(feature_id)
        rect = _around(rect_of(merged.placed), prompt)
        old, new = prompt.outline_mask_in(rect), placed_in(merged.placed, rect)
        return compare(old, new, merged.predicted_iou, merged.stability, self.layer_xy_px, fit)

    def on_map(self, feature_ids: Sequence[int]) -> NDArray[np.object_]:
        """Old outlines in map coordinates."""
        return outlines_to_map([self.prompts[feature_id].polygon for feature_id in feature_ids], self.place.transform)

    def properties(self, comparison: Comparison) -> dict[str, Value]:
        """The values of `COMPARED`."""
        shift_xy_px = comparison.shift_xy_px
        east, north = (None, None) if shift_xy_px is None else shift_on_map(shift_xy_px, self.place)
        return {
            "iou_to_old": comparison.iou_to_old,
            "shift_east": east,
            "shift_north": north,
            "change": comparison.change,
        }


def _area_px(journal: Journal) -> shapely.Geometry | None:
    """The run's area of interest in run px."""
    wkt, transform = journal.settings.area_of_interest, journal.place.transform
    return None if wkt is None else shapely.transform(shapely.from_wkt(wkt), lambda xy: map_to_pixel_xy(xy, transform))


def shift_on_map(shift_xy_px: tuple[float, float], place: RunPlace) -> tuple[float, float]:
    """A shift (right, down) in run px as one to the east and to the north, in units of the CRS."""
    (right, down), transform = shift_xy_px, place.transform
    return transform.a * right + transform.b * down, transform.d * right + transform.e * down


def layer_shift(journal: Journal) -> dict[str, Any] | None:
    """By how much the layer of old outlines lies off, in units of the CRS, for people; None where nobody looked.

    ``n_outlines``: that were asked; 0 where they were too few to tell, or didn't agree.
    """
    if journal.settings.alignment is None:
        return None
    alignment = Alignment.from_json(journal.settings.alignment)
    east, north = shift_on_map(alignment.shift_xy_px, journal.place)
    right, down = alignment.shift_xy_px
    return {"east": east, "north": north, "right_px": right, "down_px": down, "n_outlines": alignment.n_outlines}


def _around(rect: PixelRect, prompt: FeaturePrompt) -> PixelRect:
    left, top, right, bottom = prompt.bounds_xyxy.tolist()
    return PixelRect(
        min(rect.left_px, math.floor(left)),
        min(rect.top_px, math.floor(top)),
        max(rect.right_px, math.ceil(right)),
        max(rect.bottom_px, math.ceil(bottom)),
    )
