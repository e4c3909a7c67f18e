"""From the journal to a map file: objects merged, filtered, drawn and measured, beside what tells how good they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import shapely

from sam_backend.geo.compare import GONE
from sam_backend.geo.layers import Feature, Layer, Value
from sam_backend.geo.measures import GroundSize
from sam_backend.geo.merge import MergedObject, MergeRules, NestingPolicy, apply_nesting
from sam_backend.geo.object_layer import OBJECTS, ObjectFacts, object_feature
from sam_backend.geo.pieces import largest_piece
from sam_backend.geo.qa_layer import TILES, UNRESOLVED_CUTS, cut_feature
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.merging import found_objects
from sam_backend.geo.run.old_outlines import OldOutlines, layer_shift, with_comparison
from sam_backend.geo.run.own_files import check_apart
from sam_backend.geo.run.patience import check_wanted
from sam_backend.geo.run.prompt_fields import PromptFields
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.survey import Surveyed, Surveyor
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
        RasterError: areas are asked for, but the CRS has none, or none where an object lies; or GeoJSON, but the CRS
            doesn't lead to degrees.
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
    trusted = (one for one in whole if writer.is_trusted(one))
    return trusted if writer.options.nesting is NestingPolicy.ALL else iter(writer.nested(trusted))


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
        self._surveyor = Surveyor(journal.place, options)
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

    def is_trusted(self, merged: MergedObject) -> bool:
        """Whether an object has the scores that it needs; what hasn't is counted."""
        is_kept = _reaches(merged.predicted_iou, self.options.min_score) and _reaches(
            merged.stability, self.options.min_stability
        )
        self._n_filtered += not is_kept
        return is_kept

    def nested(self, found: Iterable[MergedObject]) -> list[MergedObject]:
        """What the limits of areas, and then the nesting policy, leave."""
        n_found, objects = 0, list[MergedObject]()
        for batch in _batches(found, BATCH):
            n_found += len(batch)
            objects += self._surveyor.within_limits(batch)
        kept = apply_nesting(objects, self.options.nesting)
        self._n_filtered += n_found - len(kept)
        return kept

    def write(self, file: VectorFile, batch: Sequence[MergedObject]) -> None:
        """Draw, measure and append those of a batch that the limits of areas leave."""
        surveyed = self._surveyor.survey(batch)
        self._n_filtered += len(batch) - len(surveyed)
        self._seam_length += self._seams.length([one.along_pixels for one in surveyed])
        rows = [self._row(one) for one in surveyed]
        file.append(self.objects.name, rows)
        file.append(UNRESOLVED_CUTS.name, list(self._cuts(surveyed, rows)))

    def write_gone(self, file: VectorFile) -> None:
        """Append the old outlines that no object answers."""
        if self._old is None:
            return
        ids = [feature_id for feature_id in self._old.prompts if feature_id not in self._answered_ids]
        on_map = self._old.on_map(ids)
        properties = self._old.properties(GONE)
        sizes = self._surveyor.sizes(on_map)
        rows = [
            self._feature(ObjectFacts(object_id=0), feature_id, outline, size, properties)
            for feature_id, outline, size in zip(ids, on_map, sizes, strict=True)
        ]
        file.append(self.objects.name, rows)

    def _row(self, one: Surveyed) -> Feature:
        """An old outline that is gone takes the place of its bad answer on the map."""
        merged, outline, size = one.merged, one.outline, one.size
        self._answered_ids.add(merged.feature_id)
        if self._old is None:
            return self._feature(_facts(merged), merged.feature_id, outline, size, {})
        comparison = self._old.compare(merged)
        if comparison.change == "gone" and merged.feature_id is not None:
            on_map = self._old.on_map([merged.feature_id])
            outline, size = on_map[0], self._surveyor.sizes(on_map)[0]
        return self._feature(_facts(merged), merged.feature_id, outline, size, self._old.properties(comparison))

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

    def _cuts(self, surveyed: Sequence[Surveyed], rows: Sequence[Feature]) -> Iterator[Feature]:
        for one, row in zip(surveyed, rows, strict=True):
            if one.merged.is_unresolved_cut:
                self._n_unresolved += 1
                cut = self._seams.on_lines(one.along_pixels)
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
