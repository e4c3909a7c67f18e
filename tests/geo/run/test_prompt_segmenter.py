"""Many prompts in one tile: answered a few at a time, with the same outcome."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import shapely
import torch

from sam_backend.geo.prompt_layer import FeaturePrompt
from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.run.finding import Finding
from sam_backend.geo.run.prompt_segmenter import PROMPTS_AT_ONCE, PromptSegmenter
from sam_backend.geo.run.tile_segmenter import place_mask
from sam_backend.geo.tiles import PixelRect, Tile
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts

SIDE_PX = 64
N_PROMPTS = 150
TILE = Tile(5, 0, 0, PixelRect(100, 200, 100 + SIDE_PX, 200 + SIDE_PX))

SegmentBatch = Callable[[Predictor, Embedding, Sequence[Prompts], bool], list[MaskPrediction]]


def prompt(feature_id: int) -> FeaturePrompt:
    """A click, a box and an outline by turns, all within the tile."""
    x, y = 105 + feature_id * 7 % 40, 205 + feature_id * 11 % 40
    around = shapely.box(x, y, x + 12, y + 9)
    centre_xy = np.array([[x + 6.0, y + 4.5]])
    if feature_id % 3 == 0:
        return FeaturePrompt(feature_id, centre_xy)
    box_xyxy = np.array(around.bounds)
    if feature_id % 3 == 1:
        return FeaturePrompt(feature_id, np.zeros((0, 2)), box_xyxy)
    return FeaturePrompt(feature_id, centre_xy, box_xyxy, shapely.MultiPolygon([around]))


@pytest.fixture
def window() -> RasterWindow:
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), np.uint8)
    return RasterWindow(pixels, np.ones((SIDE_PX, SIDE_PX), np.bool_), None, None)  # type: ignore[arg-type]


@pytest.fixture
def asked() -> dict[int, list[FeaturePrompt]]:
    return {TILE.index: [prompt(feature_id) for feature_id in range(N_PROMPTS)]}


def patched(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None]) -> None:
    """Have the number of prompts of each batch looked at."""
    original: SegmentBatch = Predictor.segment_batch

    def segment_batch(
        self: Predictor, embedding: Embedding, prompts: Sequence[Prompts], multimask: bool = True
    ) -> list[MaskPrediction]:
        before(len(prompts))
        return original(self, embedding, prompts, multimask)

    monkeypatch.setattr(Predictor, "segment_batch", segment_batch)


def said(findings: Sequence[Finding]) -> list[tuple[int | None, bytes, int, int]]:
    placed = [one.placed for one in findings]
    return [
        (one.feature_id, where.mask.tobytes(), where.left_px, where.top_px)
        for one, where in zip(findings, placed, strict=True)
    ]


def test_only_some_prompts_are_answered_at_once(
    tiny_predictor: Predictor,
    asked: dict[int, list[FeaturePrompt]],
    window: RasterWindow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    patched(monkeypatch, sizes.append)
    found = PromptSegmenter(tiny_predictor, asked, SIDE_PX).segment(TILE, window)
    assert max(sizes) <= PROMPTS_AT_ONCE
    ids = [one.feature_id for one in found]
    assert ids == sorted(set(ids), key=ids.index)
    assert ids == sorted(ids, key=lambda one: one or 0)
    alone = [
        one
        for feature in asked[TILE.index]
        for one in PromptSegmenter(tiny_predictor, {TILE.index: [feature]}, SIDE_PX).segment(TILE, window)
    ]
    assert said(found) == said(alone)
    np.testing.assert_allclose([one.predicted_iou for one in found], [one.predicted_iou for one in alone], atol=1e-5)


def test_a_finding_keeps_its_own_pixels_alone(window: RasterWindow) -> None:
    row = np.zeros((SIDE_PX, SIDE_PX), np.bool_)
    row[30] = True
    placed = place_mask(row, TILE, window)
    assert placed is not None
    assert placed.mask.base is None


def test_out_of_memory_it_goes_on_with_fewer_at_a_time(
    tiny_predictor: Predictor,
    asked: dict[int, list[FeaturePrompt]],
    window: RasterWindow,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wanted = PromptSegmenter(tiny_predictor, asked, SIDE_PX).segment(TILE, window)

    def has_room_for_six(n_prompts: int) -> None:
        if n_prompts > 6:
            raise torch.OutOfMemoryError("no room")

    patched(monkeypatch, has_room_for_six)
    segmenter = PromptSegmenter(tiny_predictor, asked, SIDE_PX)
    assert said(segmenter.segment(TILE, window)) == said(wanted)
    assert segmenter.at_once == 8  # at most six of them alike
    assert "out of memory: going on with 8 prompts at a time" in caplog.text


def test_out_of_memory_for_a_single_prompt_is_told(
    tiny_predictor: Predictor,
    asked: dict[int, list[FeaturePrompt]],
    window: RasterWindow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def has_no_room(_: int) -> None:
        raise torch.OutOfMemoryError("no room")

    patched(monkeypatch, has_no_room)
    with pytest.raises(torch.OutOfMemoryError):
        PromptSegmenter(tiny_predictor, asked, SIDE_PX).segment(TILE, window)
