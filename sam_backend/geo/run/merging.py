"""From the journal to objects: the findings of all tiles, merged, or the answers to prompts as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sam_backend.geo.merge import Fragment, MergedObject, Merger, MergeRules, accept, healing_tasks
from sam_backend.geo.merge.placed import rect_of
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.tiles import PixelRect, Tile, TileGrid


def found_objects(journal: Journal, rules: MergeRules | None = None) -> Iterator[MergedObject]:
    """All objects of a run, as soon as no further tile can change them; the same ones in the same order always.

    Memory holds the tiles along the frontier only.
    """
    if journal.settings.prompts is not None:
        return _prompted(journal)
    healed = journal.healed()
    return (_mended(merged, healed, journal.place.grid) for merged in merged_objects(journal, rules))


def merged_objects(journal: Journal, rules: MergeRules | None = None) -> Iterator[MergedObject]:
    """What merging alone makes of the findings of an automatic run."""
    merger = Merger(journal.place.grid, rules)
    for tile in journal.place.grid:
        yield from merger.add(tile.index, [_fragment(tile, finding) for finding in journal.findings(tile.index)])
    yield from merger.finish()


def task_key(rect: PixelRect, box_xyxy: object) -> str:
    """What tells one second look from another: where, and at what."""
    return f"{rect.left_px},{rect.top_px},{rect.right_px},{rect.bottom_px} {box_xyxy}"


def _mended(merged: MergedObject, healed: dict[str, Finding], grid: TileGrid) -> MergedObject:
    for task in healing_tasks([merged], grid):
        answer = healed.get(task_key(task.rect, task.box_xyxy.tolist()))
        if answer is not None and accept(answer.placed, merged.placed):
            return replace(merged, placed=answer.placed, is_unresolved_cut=False)
    return merged


def _fragment(tile: Tile, finding: Finding) -> Fragment:
    return Fragment(
        tile_index=tile.index,
        placed=finding.placed,
        predicted_iou=finding.predicted_iou,
        stability=1.0 if finding.stability is None else finding.stability,
    )


def _prompted(journal: Journal) -> Iterator[MergedObject]:
    """Each prompt was answered in the one tile where it lies best, so there is nothing to merge."""
    for index, report in journal.reports().items():
        for finding in journal.findings(index):
            yield _alone(report.tile, finding, journal.place.grid)


def _alone(tile: Tile, finding: Finding, grid: TileGrid) -> MergedObject:
    rect, whole = rect_of(finding.placed), PixelRect(0, 0, grid.raster_width_px, grid.raster_height_px)
    return MergedObject(
        placed=finding.placed,
        predicted_iou=finding.predicted_iou,
        stability=1.0 if finding.stability is None else finding.stability,
        tile_indices=(tile.index,),
        seam_iou=None,
        is_cut_at_raster_edge=_reaches(rect, whole),
        is_unresolved_cut=_reaches_inner_edge(rect, tile.rect, whole),
        feature_id=finding.feature_id,
    )


def _reaches(rect: PixelRect, around: PixelRect) -> bool:
    return bool(_sides(rect, around))


def _reaches_inner_edge(rect: PixelRect, tile_rect: PixelRect, whole: PixelRect) -> bool:
    return bool(_sides(rect, tile_rect) - _sides(tile_rect, whole))


def _sides(rect: PixelRect, around: PixelRect) -> set[str]:
    """On which sides a rectangle lies on the edge of the one around it."""
    edges = {
        "left": rect.left_px <= around.left_px,
        "top": rect.top_px <= around.top_px,
        "right": rect.right_px >= around.right_px,
        "bottom": rect.bottom_px >= around.bottom_px,
    }
    return {side for side, is_reached in edges.items() if is_reached}
