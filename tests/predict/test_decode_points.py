import math
from dataclasses import replace

import numpy as np
import pytest

from sam_backend.errors import PromptError
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts

POINTS_XY = np.array([[40.0, 20.0], [70.5, 9.25], [3.0, 48.0]])


@pytest.fixture(scope="module")
def embedding(tiny_predictor: Predictor) -> Embedding:
    return tiny_predictor.embed(np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8))


def test_points_decode_as_single_clicks_do(tiny_predictor: Predictor, embedding: Embedding) -> None:
    masks = tiny_predictor.decode_points(embedding, POINTS_XY, iou_above=-math.inf)
    clicks = [Prompts.of(points=[(x, y, True)]) for x, y in POINTS_XY]
    answers = tiny_predictor.segment_batch(embedding, clicks)
    assert masks.index.tolist() == list(range(9))
    logits = np.concatenate([answer.low_res_logits for answer in answers])
    np.testing.assert_allclose(masks.low_res_logits, logits, atol=1e-5)
    np.testing.assert_allclose(masks.predicted_iou, np.concatenate([one.predicted_iou for one in answers]), atol=1e-5)


def test_only_promising_masks_are_handed_out(tiny_predictor: Predictor, embedding: Embedding) -> None:
    everything = tiny_predictor.decode_points(embedding, POINTS_XY, iou_above=-math.inf)
    limit = float(np.sort(everything.predicted_iou)[5])
    few = tiny_predictor.decode_points(embedding, POINTS_XY, iou_above=limit)
    np.testing.assert_array_equal(few.index, np.flatnonzero(everything.predicted_iou > limit))
    assert len(few.index) == 3
    np.testing.assert_allclose(few.low_res_logits, everything.low_res_logits[few.index], atol=1e-5)
    np.testing.assert_array_equal(few.predicted_iou, everything.predicted_iou[few.index])


def test_where_no_mask_is_promising_none_comes(tiny_predictor: Predictor, embedding: Embedding) -> None:
    assert tiny_predictor.decode_points(embedding, POINTS_XY, iou_above=math.inf).low_res_logits.shape == (0, 16, 16)


def test_no_points_have_no_masks(tiny_predictor: Predictor, embedding: Embedding) -> None:
    masks = tiny_predictor.decode_points(embedding, np.zeros((0, 2)), iou_above=-math.inf)
    assert masks.low_res_logits.shape == (0, 16, 16)


def test_an_embedding_of_another_model_is_refused(tiny_predictor: Predictor, embedding: Embedding) -> None:
    foreign = replace(embedding, model_version="other-model")
    with pytest.raises(PromptError, match="the embedding was made by other-model"):
        tiny_predictor.decode_points(foreign, POINTS_XY, iou_above=0.5)
