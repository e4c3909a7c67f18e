"""The second looks of a run: objects that no tile saw whole are prompted once more, in a tile centred on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sam_backend.geo.merge import HealingTask, MergeRules, healing_tasks
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.merging import merged_objects, task_key
from sam_backend.geo.run.patience import check_wanted, wait_for
from sam_backend.geo.run.tile_segmenter import filled_up, place_mask
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import Tile
from sam_backend.predict.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Healing:
    """How many objects were looked at again."""

    n_tasks: int
    n_answered: int
    """With a mask; whether it is taken is decided whenever results are written."""


def heal_seams(
    journal: Journal,
    raster: TiledRaster,
    predictor: Predictor,
    rules: MergeRules | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Healing:
    """Look again at what is made of cut pieces only, and keep the answers in the journal; what is there already stays.

    Raises:
        CancelledError: ``is_cancelled`` said so; the answers so far are kept.
        RasterError: the raster can't be read any more.
        StorageError: the journal can't be written any more.
    """
    n_tasks, known = 0, journal.healed_keys()
    for key, task in _tasks(journal, rules):
        check_wanted(is_cancelled)
        n_tasks += 1
        if key not in known:
            journal.write_healed(key, wait_for(partial(_second_look, task, raster, predictor), is_cancelled))
    return Healing(n_tasks, len(journal.healed()))


def _tasks(journal: Journal, rules: MergeRules | None) -> Iterator[tuple[str, HealingTask]]:
    tasks = healing_tasks(merged_objects(journal, rules), journal.place.grid)
    return ((task_key(task.rect, task.box_xyxy.tolist()), task) for task in tasks)


def _second_look(task: HealingTask, raster: TiledRaster, predictor: Predictor) -> Finding | None:
    window = raster.read(task.rect)
    embedding = predictor.embed(filled_up(window.pixels, raster.grid.tile_px))
    answer = predictor.segment(embedding, task.prompts(), multimask=False)
    mask = answer.masks[0][: task.rect.height_px, : task.rect.width_px]
    placed = place_mask(mask, Tile(0, 0, 0, task.rect), window)
    return None if placed is None else Finding(placed, float(answer.predicted_iou[0]))
