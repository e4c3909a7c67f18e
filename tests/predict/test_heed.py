import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend import load_sam
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.heed import heeding, n_contradicted
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts

HW = (60, 80)
spots = st.tuples(st.floats(0, 80, width=32), st.floats(0, 60, width=32), st.booleans())


@pytest.fixture(scope="module")
def embedding(tiny_predictor: Predictor) -> Embedding:
    return tiny_predictor.embed(np.random.default_rng(1).integers(0, 256, (*HW, 3), np.uint8))


def _single(predictor: Predictor, embedding: Embedding, prompts: Prompts) -> MaskPrediction:
    return predictor.segment(embedding, prompts, multimask=False)


def test_clicks_are_counted_where_they_lie_and_outside_at_the_edge() -> None:
    masks = np.zeros((2, *HW), bool)
    masks[0, :30, :40] = True
    masks[1, 30:, 40:] = True
    prompts = Prompts.of(points=[(39.9, 29.9, True), (80, 60, True), (40, 30, False)])
    assert n_contradicted(masks, prompts).tolist() == [1, 2]
    assert n_contradicted(masks, Prompts.of(box_xyxy=(0, 0, 5, 5))).tolist() == [0, 0]


@given(clicks=st.lists(spots, min_size=2, max_size=4))
def test_never_contradicts_more_clicks_than_the_first_answer_and_keeps_one_that_contradicts_none(
    tiny_predictor: Predictor, embedding: Embedding, clicks: list[tuple[float, float, bool]]
) -> None:
    prompts = Prompts.of(points=clicks)
    first = _single(tiny_predictor, embedding, prompts)
    heeded = heeding(tiny_predictor, embedding, prompts, first)
    before, after = n_contradicted(first.masks, prompts)[0], n_contradicted(heeded.masks, prompts)[0]
    assert after <= before
    assert (heeded is first) == (before == 0) or after == before
    assert [len(part) for part in (heeded.masks, heeded.predicted_iou, heeded.low_res_logits)] == [1, 1, 1]


def test_click_that_says_not_this_in_a_mask_takes_its_spot_away_though_the_mask_was_started_from() -> None:
    rows, columns = np.mgrid[:200, :300]
    depth = 1 - np.hypot(columns - 150, 1.2 * (rows - 100)) / 25
    light = np.where(depth > 0, 0.7 + 0.3 * np.sqrt(depth.clip(0)), 0.03)[..., None]
    picture = np.uint8(light * (120, 180, 240))
    predictor = load_sam("embedded")
    seen = predictor.embed(picture)
    start = predictor.segment(seen, Prompts.of(points=[(150, 100, True)]))
    logits = start.low_res_logits[start.best]
    prompts = Prompts.of(points=[(150, 100, True), (137, 100, False)], mask_logits=logits)
    first = _single(predictor, seen, prompts)
    assert first.masks[0, 100, 137], "this case needs a click that the network doesn't heed"
    heeded = heeding(predictor, seen, prompts, first).masks[0]
    assert not heeded[100, 137]
    assert heeded[100, 150]
