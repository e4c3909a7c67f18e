"""All masks of a picture: crops, points, filters and suppression in the official order (paper appendix B)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import ImageError
from sam_backend.predict.automatic.crop_sieve import CropSieve, RankedRecord
from sam_backend.predict.automatic.crops import Crop, lay_crops
from sam_backend.predict.automatic.grids import spread_order
from sam_backend.predict.automatic.harvest import Harvest
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.automatic.records import MaskRecord
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.point_masks import PointMasks


class PointModel(Protocol):
    """What a model must do to be prompted automatically; `Predictor` does."""

    def embed(self, image: NDArray[np.uint8]) -> Embedding:
        """Encode a picture or a crop of it (h, w, 3)."""
        ...

    def decode_points(self, embedding: Embedding, points_xy: NDArray[np.float64], iou_above: float) -> PointMasks:
        """Decode single clicks (n, 2); hand out the masks whose predicted IoU exceeds ``iou_above``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Where a run stands after some points."""

    n_points_done: int
    n_points: int
    """Of all crops."""

    seconds: float
    """Since the run began."""

    is_last: bool
    """Whether the run ends here: all points are done, or the time is up."""

    harvest: Harvest

    @property
    def is_complete(self) -> bool:
        """Whether all points have been decoded."""
        return self.n_points_done == self.n_points

    def records(self) -> list[MaskRecord]:
        """The masks found so far, as they would be reported if this were the end."""
        return self.harvest.records()


def generate(
    model: PointModel,
    image: NDArray[np.uint8],
    options: AutomaticOptions | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> list[MaskRecord]:
    """Find all masks of a picture.

    Args:
        model: a `Predictor`.
        image: (h, w, 3) RGB.
        options: the official defaults if left out.
        on_step: called after every batch of points, to show progress; what it raises ends the run.

    Returns:
        The masks in the official order; none is an empty list.

    Raises:
        ImageError: the picture has another shape or number type.
    """
    records: list[MaskRecord] = []
    for step in generate_steps(model, image, options):
        if on_step is not None:
            on_step(step)
        if step.is_last:
            records = step.records()
    return records


def generate_steps(
    model: PointModel,
    image: NDArray[np.uint8],
    options: AutomaticOptions | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Step]:
    """Find all masks of a picture bit by bit: a step after every batch of points, as many as the time allows.

    Points come in an order that covers each crop evenly from the start. The masks of the last step of a complete run
    are those of `generate`, whatever the order. To cancel, stop iterating. See `generate` for the rest.
    """
    options = options or AutomaticOptions()
    started = clock()
    crops, grids = _lay_crops(image, options), options.grids()
    n_points, n_done = sum(len(grids[crop.layer]) for crop in crops), 0
    harvest = Harvest(options)
    for crop in crops:
        harvest = harvest.with_crop_closed()
        for n_more, found in _batches(model, image, crop, grids[crop.layer], options):
            harvest, n_done, seconds = harvest.with_found(found), n_done + n_more, clock() - started
            is_late = options.time_budget_s is not None and seconds >= options.time_budget_s
            yield Step(n_done, n_points, seconds, is_late or n_done == n_points, harvest)
            if is_late:
                return


def _lay_crops(image: NDArray[np.uint8], options: AutomaticOptions) -> list[Crop]:
    if image.ndim != 3 or image.size == 0:
        raise ImageError(f"a picture needs the shape (h, w, 3) and at least one pixel, got {image.shape}")
    return lay_crops((image.shape[0], image.shape[1]), options.crop_n_layers, options.crop_overlap_ratio)


def _batches(
    model: PointModel, image: NDArray[np.uint8], crop: Crop, grid: NDArray[np.float64], options: AutomaticOptions
) -> Iterator[tuple[int, list[RankedRecord]]]:
    """How many points were decoded and what they found, batch by batch."""
    left, top, right, bottom = crop.box_xyxy
    embedding = model.embed(image[top:bottom, left:right])
    sieve = CropSieve.of_crop(crop, embedding.frame, (image.shape[0], image.shape[1]), options)
    points_xy = grid * np.array(crop.crop_hw[::-1])
    order = spread_order(grid)
    for start in range(0, len(order), options.points_per_batch):
        batch = order[start : start + options.points_per_batch]
        masks = model.decode_points(embedding, points_xy[batch], sieve.iou_above)
        yield len(batch), list(sieve.sift(masks, batch, points_xy))
