"""From the journal to a map file: objects merged, filtered, drawn and measured, beside what tells how good they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.errors import RasterError
from sam_backend.geo.compare import GONE
from sam_backend.geo.frame import outlines_to_map
from sam_backend.geo.layers import Feature, Layer, Value
from sam_backend.geo.measures import GroundRuler, GroundSize, ground_ruler
from sam_backend.geo.merge import MergedObject, MergeRules, NestingPolicy, apply_nesting
from sam_backend.geo.object_layer import OBJECTS, ObjectFacts, object_feature
from sam_backend.geo.pieces import largest_piece
from sam_backend.geo.qa_layer import TILES, UNRESOLVED_CUTS, cut_feature
from sam_backend.geo.run.drawing import draw
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.merging import found_objects
from sam_backend.geo.run.old_outlines import OldOutlines, layer_shift, with_comparison
from sam_backend.geo.run.own_files import check_apart
from sam_backend.geo.run.patience import check_wanted
from sam_backend.geo.run.prompt_fields import PromptFields
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.run_place import RunPlace
from sam_backend.geo.run.tile_features import tile_features
from sam_backend.geo.seams import SeamLength, SeamLines
from sam_backend.geo.vector_file import VectorFile, check_vector_file, create_vector_file

BATCH = 512
"""Objects drawn and written together."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ResultSummary:
    """What was written."""

    n_objects: int
    """Rows, with those of old outlines that are gone."""

    n_filtered: int
    """Objects that the filters or the nesting policy dropped."""

    n_unresolved_cuts: int
    """Objects written that no tile saw whole."""

    outline_on_grid_share: float
    """Share of the outlines' length that lies where tiles meet: 0 is no seam at all."""


def write_results(
    journal: Journal,
    path: Path,
    options: ResultOptions,
    rules: MergeRules | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ResultSummary:
    """Write the objects of a run; the file appears whole or not at all.

    Without a nesting policy or shared borders, objects pass through one batch after the other; these two need all of
    them at once.

    Args:
        journal: of the run, finished or not.
        path: ends in .gpkg (objects, tiles and unresolved cuts), .fgb, .geojson or .parquet (objects).
        options: which objects, and how.
        rules: of merging.
        is_cancelled: asked at each object.

    Raises:
        CancelledError: it said so; nothing is written then.
        RasterError: areas are asked for, but the CRS has none; or GeoJSON, but the CRS doesn't lead to degrees.
        OptionsError: the file's ending isn't known, or it is the journal, or what the run read.
        StorageError: the file can't be written.
    """
    check_apart({"output": path}, {"journal": journal.path, **_read_by(journal)})
    writer = _Writer(journal, options)
    with create_vector_file(path, writer.layers, journal.place.crs, _provenance(journal)) as file:
        file.append(TILES.name, list(tile_features(journal)))
        found = _while_wanted(found_objects(journal, rules), is_cancelled)
        for batch in _batches(_kept(writer, found), _batch_size(options)):
            writer.write(file, batch)
        writer.write_gone(file)
        check_wanted(is_cancelled)
    return writer.summary()


def check_results(journal: Journal, path: Path, options: ResultOptions) -> None:
    """Make sure that the results of a run can be written, before the model has worked for them.

    Raises:
        SamBackendError: as `write_results`.
    """
    check_vector_file(path, _Writer(journal, options).layers, journal.place.crs)


def _read_by(journal: Journal) -> dict[str, Path | None]:
    settings = journal.settings
    return {"raster": Path(settings.raster), "prompts": None if settings.prompts is None else Path(settings.prompts)}


def _while_wanted(items: Iterable[T], is_cancelled: Callable[[], bool]) -> Iterator[T]:
    for item in items:
        check_wanted(is_cancelled)
        yield item


def _kept(writer: _Writer, found: Iterable[MergedObject]) -> Iterator[MergedObject]:
    whole = found if writer.options.keeps_pieces else (replace(one, placed=largest_piece(one.placed)) for one in found)
    filtered = (one for one in whole if writer.passes(one))
    return filtered if writer.options.nesting is NestingPolicy.ALL else iter(writer.nested(list(filtered)))


def _batch_size(options: ResultOptions) -> int | None:
    return None if options.drawing == "coverage" else BATCH


def _batches(items: Iterable[T], size: int | None) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


class _Writer:
    """Turns batches of objects into rows, and counts."""

    def __init__(self, journal: Journal, options: ResultOptions) -> None:
        self.options = options
        self._place = journal.place
        self._ruler = ground_ruler(journal.place.crs)
        self._pixel_m2 = _pixel_m2(self._ruler, journal.place, options)
        self._prompts = PromptFields.of(journal.prompts())
        self._old = OldOutlines.of(journal) if options.compares else None
        self.objects: Layer = self._prompts.added_to(with_comparison(OBJECTS) if self._old else OBJECTS)
        self._answered_ids: set[int | None] = set()
        self._seams, self._seam_length = SeamLines(journal.place.grid), SeamLength()
        self._n_objects = self._n_filtered = self._n_unresolved = 0

    @property
    def layers(self) -> list[Layer]:
        """Of the file, that of the objects first."""
        return [self.objects, TILES, UNRESOLVED_CUTS]

    def passes(self, merged: MergedObject) -> bool:
        """Whether an object stays; what doesn't is counted."""
        options = self.options
        area_m2 = float(merged.placed.mask.sum()) * self._pixel_m2
        is_kept = (
            _reaches(merged.predicted_iou, options.min_score)
            and _reaches(merged.stability, options.min_stability)
            and options.min_area_m2 <= area_m2 <= options.max_area_m2
        )
        self._n_filtered += not is_kept
        return is_kept

    def nested(self, objects: list[MergedObject]) -> list[MergedObject]:
        """What the nesting policy leaves."""
        kept = apply_nesting(objects, self.options.nesting)
        self._n_filtered += len(objects) - len(kept)
        return kept

    def write(self, file: VectorFile, batch: Sequence[MergedObject]) -> None:
        """Draw, measure and append a batch."""
        drawn = draw([merged.placed for merged in batch], self.options, self.options.min_hole_m2 / self._pixel_m2)
        self._seam_length += self._seams.length(drawn.along_pixels)
        on_map = outlines_to_map(drawn.outlines, self._place.transform)
        compared = self._against_old(batch, on_map)
        rows = [
            self._feature(_facts(merged), merged.feature_id, *row)
            for merged, *row in zip(batch, on_map, self._sizes(on_map), compared, strict=True)
        ]
        file.append(self.objects.name, rows)
        file.append(UNRESOLVED_CUTS.name, list(self._cuts(batch, drawn.along_pixels, rows)))

    def write_gone(self, file: VectorFile) -> None:
        """Append the old outlines that no object answers."""
        if self._old is None:
            return
        ids = [feature_id for feature_id in self._old.prompts if feature_id not in self._answered_ids]
        on_map = self._old.on_map(ids)
        properties = self._old.properties(GONE)
        sizes = self._sizes(on_map)
        rows = [
            self._feature(ObjectFacts(object_id=0), feature_id, outline, size, properties)
            for feature_id, outline, size in zip(ids, on_map, sizes, strict=True)
        ]
        file.append(self.objects.name, rows)

    def _against_old(self, batch: Sequence[MergedObject], on_map: NDArray[np.object_]) -> Sequence[Mapping[str, Value]]:
        """What became of the old outlines; those that are gone take the places of their bad answers on the map."""
        if self._old is None:
            return [{}] * len(batch)
        comparisons = [self._old.compare(merged) for merged in batch]
        for index, (merged, comparison) in enumerate(zip(batch, comparisons, strict=True)):
            self._answered_ids.add(merged.feature_id)
            if comparison.change == "gone" and merged.feature_id is not None:
                on_map[index] = self._old.on_map([merged.feature_id])[0]
        return [self._old.properties(comparison) for comparison in comparisons]

    def _sizes(self, on_map: NDArray[np.object_]) -> Sequence[GroundSize | None]:
        return [None] * len(on_map) if self._ruler is None else self._ruler.measure(on_map)

    def _feature(
        self,
        facts: ObjectFacts,
        feature_id: int | None,
        outline: shapely.Geometry,
        size: GroundSize | None,
        compared: Mapping[str, Value],
    ) -> Feature:
        self._n_objects += 1
        feature = object_feature(outline, replace(facts, object_id=self._n_objects), size)
        return Feature(feature.geometry, {**feature.properties, **compared, **self._prompts.properties(feature_id)})

    def _cuts(
        self, batch: Sequence[MergedObject], along_pixels: Sequence[shapely.Geometry], rows: Sequence[Feature]
    ) -> Iterator[Feature]:
        for merged, outline, row in zip(batch, along_pixels, rows, strict=True):
            if merged.is_unresolved_cut:
                self._n_unresolved += 1
                cut = self._seams.on_lines(outline)
                yield cut_feature(int(str(row.properties["object_id"])), cut, self._place.transform)

    def summary(self) -> ResultSummary:
        """What was written so far."""
        return ResultSummary(self._n_objects, self._n_filtered, self._n_unresolved, self._seam_length.share)


def _facts(merged: MergedObject) -> ObjectFacts:
    return ObjectFacts(
        object_id=0,  # until it gets its row
        score=merged.predicted_iou,
        stability=merged.stability,
        tiles=merged.n_tiles,
        seam_iou=merged.seam_iou,
        cut_at_raster_edge=merged.is_cut_at_raster_edge,
    )


def _reaches(score: float, least: float) -> bool:
    """Predicted IoU can be negative, so 0 lets everything pass on purpose."""
    return least == 0 or score >= least


def _pixel_m2(ruler: GroundRuler | None, place: RunPlace, options: ResultOptions) -> float:
    """What a run px covers; 1 where nobody can tell, so that filters that ask for nothing let everything pass."""
    if ruler is not None:
        return ruler.pixel_area_m2(place.transform, place.grid.raster_width_px, place.grid.raster_height_px)
    if options.asks_for_areas:
        raise RasterError(
            "areas in square metres can't be told, as the raster has no CRS, or none that knows the earth: "
            "leave the limits of areas and holes out, or assign a CRS, e.g. with gdal_edit.py -a_srs"
        )
    return 1.0


def _shift_told(journal: Journal) -> dict[str, str]:
    shift = layer_shift(journal)
    if shift is None:
        return {}
    return {"layer_shift": "{east:.3f} east, {north:.3f} north, by {n_outlines} outlines".format(**shift)}


def _provenance(journal: Journal) -> dict[str, str]:
    settings = journal.settings
    return {
        "raster": Path(settings.raster).name,
        "model": settings.model_version,
        "found_by": "automatic masks" if settings.prompts is None else f"prompts of {Path(settings.prompts).name}",
        **_shift_told(journal),
        "tiles": f"{settings.tile_px} px, overlapping by {settings.overlap_px} px",
        "options": journal.settings.to_json(),
    }
