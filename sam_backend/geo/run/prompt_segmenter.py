"""The model's part of a prompted run: each feature of a layer asks for one object."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.geo.merge.placed import innermost_xy, placed_in, rect_of
from sam_backend.geo.prompt_layer import FeaturePrompt
from sam_backend.geo.prompt_tiles import PromptedView
from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.tile_segmenter import filled_up, place_mask
from sam_backend.geo.tiles import PixelRect, Tile, TileGrid
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts

PROMPTS_AT_ONCE = 64
"""Three masks of 1024 px and their logits are 4 MB a prompt, until the best one is cut out."""

_LOG = logging.getLogger(__name__)


def tiles_of_views(views: Sequence[PromptedView], grid: TileGrid) -> list[Tile]:
    """The tiles to work on; views of their own are numbered after the grid, in column and row -1."""
    n_own = iter(range(len(grid), len(grid) + len(views)))
    return [
        Tile(next(n_own), -1, -1, view.rect) if view.tile_index is None else grid.tile(view.tile_index)
        for view in views
    ]


@dataclass(slots=True)
class PromptSegmenter:
    """Answers the prompts of a tile."""

    predictor: Predictor

    prompts: Mapping[int, Sequence[FeaturePrompt]]
    """By the index of their tile."""

    side_px: int
    """Of the square that the model is shown."""

    at_once: int = PROMPTS_AT_ONCE
    """Prompts answered together; fewer once the device's memory was too small."""

    def segment(self, tile: Tile, window: RasterWindow) -> list[Finding]:
        """See `TileSegmenter`."""
        embedding = self.predictor.embed(filled_up(window.pixels, self.side_px))
        left, findings = list(self.prompts[tile.index]), list[Finding]()
        while left:
            chunk = left[: self.at_once]
            try:
                findings += self._findings(chunk, tile, window, embedding)
            except torch.OutOfMemoryError:
                if len(chunk) == 1:
                    raise
                self.at_once = len(chunk) // 2
                _LOG.warning("out of memory: going on with %d prompts at a time", self.at_once)
            else:
                left = left[len(chunk) :]
        return findings

    def _findings(
        self, asked: Sequence[FeaturePrompt], tile: Tile, window: RasterWindow, embedding: Embedding
    ) -> list[Finding]:
        """In the order of the prompts."""
        prompts = [self._in_tile(one, tile) for one in asked]
        # One click may mean the whole, a part or a sub-part: the best of three readings is taken.
        is_ambiguous = [one.box_xyxy is None and len(one.points_xy) == 1 for one in prompts]
        answers: dict[int, MaskPrediction] = {}
        for multimask in (False, True):
            indices = [index for index, ambiguous in enumerate(is_ambiguous) if ambiguous is multimask]
            answered = self.predictor.segment_batch(embedding, [prompts[index] for index in indices], multimask)
            answers.update(zip(indices, answered, strict=True))
        found = (self._finding(one, answers.pop(index), tile, window) for index, one in enumerate(asked))
        outlines = {prompt.feature_id for prompt in asked if prompt.polygon is not None}
        return self._seconded([finding for finding in found if finding is not None], outlines, tile, embedding)

    def _seconded(
        self, findings: list[Finding], outlines: Container[int | None], tile: Tile, embedding: Embedding
    ) -> list[Finding]:
        """With the stability of those that an outline asked for.

        An outline for a mask prompt is hard to contradict: where the object is gone the network still draws much the
        same. A click alone, in the midst of the answer, finds the same object only where there is one.
        """
        doubted = [finding for finding in findings if finding.feature_id in outlines]
        clicks = [_click_within(finding, tile) for finding in doubted]
        answers = self.predictor.segment_batch(embedding, clicks, multimask=True)
        agreed = {
            finding.feature_id: _iou_in_tile(finding, answer.masks[answer.best], tile)
            for finding, answer in zip(doubted, answers, strict=True)
        }
        return [replace(finding, stability=agreed.get(finding.feature_id)) for finding in findings]

    def _in_tile(self, prompt: FeaturePrompt, tile: Tile) -> Prompts:
        in_tile = prompt.prompts_in(tile.rect)
        if prompt.polygon is None:
            return in_tile
        network, rect = self.predictor.network, tile.rect
        shown = PixelRect(
            rect.left_px,
            rect.top_px,
            max(rect.right_px, rect.left_px + self.side_px),
            max(rect.bottom_px, rect.top_px + self.side_px),
        )
        logits = prompt.mask_logits_in(shown, network.image_size, network.low_res_size)
        return replace(in_tile, mask_logits=logits)

    def _finding(
        self, prompt: FeaturePrompt, answer: MaskPrediction, tile: Tile, window: RasterWindow
    ) -> Finding | None:
        mask = answer.masks[answer.best][: tile.rect.height_px, : tile.rect.width_px]
        placed = place_mask(mask, tile, window)
        if placed is None:
            return None
        return Finding(placed, float(answer.predicted_iou[answer.best]), feature_id=prompt.feature_id)


def _click_within(finding: Finding, tile: Tile) -> Prompts:
    x, y = innermost_xy(finding.placed, rect_of(finding.placed))
    return Prompts.of([(x - tile.rect.left_px, y - tile.rect.top_px, True)])


def _iou_in_tile(finding: Finding, mask: NDArray[np.bool_], tile: Tile) -> float:
    """IoU of a finding with a mask (h, w) of the tile, which may be filled up beyond its rectangle."""
    height, width = mask.shape
    left, top = tile.rect.left_px, tile.rect.top_px
    found = placed_in(finding.placed, PixelRect(left, top, left + width, top + height))
    union_px = int((found | mask).sum())
    return int((found & mask).sum()) / union_px if union_px else 0.0
