import numpy as np
import pytest

from sam_backend.predict.predictor import Predictor
from sam_backend.training import prompted_iou
from sam_backend.training.annotator import correcting_click, first_click
from sam_backend.training.mask_iou import mask_iou
from sam_backend.training.prompted_iou import (
    BOX,
    BOX_MOST_TRUSTED,
    CLICK,
    CLICK_BEST_OF_THREE,
    Answer,
    Row,
    mean_iou,
    score_picture,
    score_prompts,
)
from sam_backend.training.sample import LabelledPicture, mask_box_xyxy
from sam_backend.types import Prompts


@pytest.fixture(scope="module")
def picture() -> LabelledPicture:
    """Five discs, the last of them a speck."""
    y, x = np.mgrid[:60, :80] + 0.5
    discs = [(x - 15 * n) ** 2 + (y - 30) ** 2 <= radius**2 for n, radius in enumerate((9, 4, 7, 5, 1), start=1)]
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    return LabelledPicture(image, np.stack(discs))


def test_iou_is_overlap_over_union() -> None:
    assert mask_iou(np.array([[True, True, False]]), np.array([[False, True, True]])) == pytest.approx(1 / 3)


def test_iou_of_nothing_with_nothing_is_zero() -> None:
    assert mask_iou(np.zeros((2, 2), np.bool_), np.zeros((2, 2), np.bool_)) == 0


def test_every_object_but_specks_gets_every_row(tiny_predictor: Predictor, picture: LabelledPicture) -> None:
    scores = score_picture(tiny_predictor, picture)
    rows = [BOX, BOX_MOST_TRUSTED, CLICK, CLICK_BEST_OF_THREE, Row("3 clicks", "model"), Row("5 clicks", "model")]
    assert [list(one) for one in scores] == [rows] * 4


def test_the_best_of_three_is_at_least_the_one_trusted(tiny_predictor: Predictor, picture: LabelledPicture) -> None:
    scores = score_picture(tiny_predictor, picture)
    assert all(one[CLICK_BEST_OF_THREE].iou >= one[CLICK].iou for one in scores)
    assert all(one[CLICK_BEST_OF_THREE].predicted_iou is None for one in scores)


def test_chunks_change_no_score(
    tiny_predictor: Predictor, picture: LabelledPicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = score_picture(tiny_predictor, picture, indices=[3, 0, 1])
    monkeypatch.setattr(prompted_iou, "CHUNK", 2)
    parts = score_picture(tiny_predictor, picture, indices=[3, 0, 1])
    assert len(whole) == len(parts) == 3
    for one, other in zip(whole, parts, strict=True):
        assert [answer.iou for answer in one.values()] == pytest.approx([answer.iou for answer in other.values()])


def test_scores_are_those_of_the_protocol_done_by_hand(tiny_predictor: Predictor, picture: LabelledPicture) -> None:
    """One object at a time: three masks for one click, then the trusted one's logits and the single mask."""
    embedding = tiny_predictor.embed(picture.image)
    truth = picture.masks[0]
    (scores,) = score_prompts(tiny_predictor, embedding, [truth])
    box = tiny_predictor.segment(embedding, Prompts.of(box_xyxy=mask_box_xyxy(truth).tolist()), multimask=False)
    assert scores[BOX] == Answer(mask_iou(box.masks[0], truth), pytest.approx(float(box.predicted_iou[0])))
    clicks = [first_click(truth)]
    answer = tiny_predictor.segment(embedding, Prompts.of(points=clicks))
    assert scores[CLICK].iou == mask_iou(answer.masks[answer.best], truth)
    assert scores[CLICK_BEST_OF_THREE].iou == max(mask_iou(mask, truth) for mask in answer.masks)
    for _ in range(2):
        correction = correcting_click(answer.masks[answer.best], truth)
        assert correction is not None
        clicks.append(correction)
        prompts = Prompts.of(points=clicks, mask_logits=answer.low_res_logits[answer.best])
        answer = tiny_predictor.segment(embedding, prompts, multimask=False)
    assert scores[Row("3 clicks", "model")].iou == pytest.approx(mask_iou(answer.masks[0], truth))


def test_the_mean_counts_each_object_once() -> None:
    scores = [{BOX: Answer(0.5), CLICK: Answer(0.0)}, {BOX: Answer(0.25), CLICK: Answer(0.3)}]
    assert mean_iou(scores) == {BOX: pytest.approx(0.375), CLICK: pytest.approx(0.15)}


def test_the_mean_of_nothing_is_empty() -> None:
    assert mean_iou([]) == {}
