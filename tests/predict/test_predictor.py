from pathlib import Path

import numpy as np
import pytest
import torch

from sam_backend.errors import DeviceError, ImageError, PromptError
from sam_backend.predict.predictor import CPU_PROMPTS_AT_ONCE, Predictor, load_sam
from sam_backend.types import Prompts

CLICK = Prompts.of(points=[(40, 20, True)])


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)


def test_three_masks_or_one_in_image_px(tiny_predictor: Predictor, image: np.ndarray) -> None:
    embedding = tiny_predictor.embed(image)
    three, one = (tiny_predictor.segment(embedding, CLICK, multimask) for multimask in (True, False))
    assert three.masks.shape == (3, 50, 90)
    assert three.masks.dtype == np.bool_
    assert three.low_res_logits.shape == (3, 16, 16)
    assert one.masks.shape == (1, 50, 90)
    assert three.best == int(np.argmax(three.predicted_iou))


def test_calls_are_pure(tiny_predictor: Predictor, image: np.ndarray) -> None:
    before = image.copy()
    embedding = tiny_predictor.embed(image)
    first = tiny_predictor.segment(embedding, CLICK)
    tiny_predictor.segment(tiny_predictor.embed(image[::-1]), Prompts.of(box_xyxy=[1, 1, 9, 9]))
    again = tiny_predictor.segment(embedding, CLICK)
    np.testing.assert_array_equal(first.low_res_logits, again.low_res_logits)
    np.testing.assert_array_equal(image, before)


def test_a_batch_of_mixed_prompts_equals_each_alone(tiny_predictor: Predictor, image: np.ndarray) -> None:
    embedding = tiny_predictor.embed(image)
    logits = tiny_predictor.segment(embedding, CLICK).low_res_logits[0]
    prompts = [
        CLICK,
        Prompts.of(box_xyxy=[5, 5, 60, 40]),
        Prompts.of(points=[(70, 9, True)]),
        Prompts.of(points=[(70, 9, True), (3, 3, False)], box_xyxy=[5, 5, 60, 40]),
        Prompts.of(points=[(70, 9, True)], mask_logits=logits),
        Prompts.of(mask_logits=logits),
    ]
    together = tiny_predictor.segment_batch(embedding, prompts)
    for one, answer in zip(prompts, together, strict=True):
        alone = tiny_predictor.segment(embedding, one)
        np.testing.assert_allclose(answer.low_res_logits, alone.low_res_logits, atol=1e-5)
        np.testing.assert_allclose(answer.predicted_iou, alone.predicted_iou, atol=1e-5)


def test_more_prompts_than_fit_in_the_cache_are_answered_in_order(tiny_predictor: Predictor, image: np.ndarray) -> None:
    embedding = tiny_predictor.embed(image)
    clicks = [Prompts.of(points=[(9 * index, 4 * index, True)]) for index in range(CPU_PROMPTS_AT_ONCE * 2 + 1)]
    for click, answer in zip(clicks, tiny_predictor.segment_batch(embedding, clicks), strict=True):
        alone = tiny_predictor.segment(embedding, click)
        np.testing.assert_allclose(answer.low_res_logits, alone.low_res_logits, atol=1e-5)


def test_one_mask_alone_is_the_same_mask(tiny_predictor: Predictor, image: np.ndarray) -> None:
    embedding, click = tiny_predictor.embed(image), Prompts.of(points=[(30, 20, True)])
    three = tiny_predictor.segment(embedding, click)
    low_res_height, low_res_width = embedding.frame.seen_low_res_hw(three.low_res_logits.shape[-1])
    for index in range(3):

        def choose(logits: np.ndarray, predicted_iou: np.ndarray, index: int = index) -> int:
            np.testing.assert_array_equal(logits, three.low_res_logits[:, :low_res_height, :low_res_width])
            np.testing.assert_array_equal(predicted_iou, three.predicted_iou)
            return index

        alone = tiny_predictor.segment_one(embedding, click, choose)
        np.testing.assert_array_equal(alone.masks, three.masks[index : index + 1])
        np.testing.assert_array_equal(alone.low_res_logits, three.low_res_logits[index : index + 1])
        np.testing.assert_array_equal(alone.predicted_iou, three.predicted_iou[index : index + 1])


def test_no_prompts_give_no_answers(tiny_predictor: Predictor, image: np.ndarray) -> None:
    assert tiny_predictor.segment_batch(tiny_predictor.embed(image), []) == []


def test_the_mask_prompt_matters(tiny_predictor: Predictor, image: np.ndarray) -> None:
    embedding = tiny_predictor.embed(image)
    first = tiny_predictor.segment(embedding, CLICK)
    refined = tiny_predictor.segment(embedding, Prompts.of([(40, 20, True)], mask_logits=first.low_res_logits[0]))
    assert not np.allclose(first.low_res_logits, refined.low_res_logits)


def test_a_box_beyond_the_picture_counts_as_far_as_it_reaches(tiny_predictor: Predictor, image: np.ndarray) -> None:
    embedding = tiny_predictor.embed(image)
    beyond = tiny_predictor.segment(embedding, Prompts.of(box_xyxy=[-5, 10, 500, 40]))
    clipped = tiny_predictor.segment(embedding, Prompts.of(box_xyxy=[0, 10, 90, 40]))
    np.testing.assert_array_equal(beyond.low_res_logits, clipped.low_res_logits)


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        (Prompts.of(points=[(91, 20, True)]), "the point 91,20 lies outside the picture, which is 90 x 50"),
        (Prompts.of(points=[(1, 1, True), (1, -0.5, False)]), "the point 1,-0.5 lies outside"),
        (Prompts.of(box_xyxy=[100, 0, 120, 10]), "the box 100,0,120,10 lies outside the picture"),
        (Prompts.of(mask_logits=np.zeros((256, 256), np.float32)), r"has the shape \(16, 16\), got \(256, 256\)"),
    ],
    ids=["right of it", "above it", "box", "mask of another model"],
)
def test_prompts_that_do_not_fit_are_refused(
    prompts: Prompts, sentence: str, tiny_predictor: Predictor, image: np.ndarray
) -> None:
    with pytest.raises(PromptError, match=sentence):
        tiny_predictor.segment(tiny_predictor.embed(image), prompts)


@pytest.mark.parametrize(
    "image",
    [np.zeros((5, 5), np.uint8), np.zeros((3, 5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)],
    ids=["grey", "channels first", "floats", "no pixels"],
)
def test_what_is_no_picture_is_refused(image: np.ndarray, tiny_predictor: Predictor) -> None:
    with pytest.raises(ImageError):
        tiny_predictor.embed(image)


def test_bfloat16_gives_nearly_the_same_masks(
    tiny_checkpoint: Path, tiny_predictor: Predictor, image: np.ndarray
) -> None:
    half = load_sam(str(tiny_checkpoint), device="cpu", dtype="bfloat16")
    answer, exact = (one.segment(one.embed(image), CLICK) for one in (half, tiny_predictor))
    assert answer.low_res_logits.dtype == np.float32
    spread = exact.low_res_logits.std()
    assert np.abs(answer.low_res_logits - exact.low_res_logits).mean() < 0.05 * spread
    assert not np.array_equal(answer.low_res_logits, exact.low_res_logits)


def test_auto_finds_a_device(tiny_checkpoint: Path) -> None:
    assert load_sam(str(tiny_checkpoint)).device.type in {"cpu", "cuda", "mps"}


def test_a_device_that_is_not_here_is_named(tiny_checkpoint: Path) -> None:
    missing = "cuda:99" if torch.cuda.is_available() else "cuda"
    with pytest.raises(DeviceError, match=f"the device '{missing}' can't be used"):
        load_sam(str(tiny_checkpoint), device=missing)


@pytest.mark.parametrize("device", ["gpu", "", "cpu:x"])
def test_a_device_that_never_was_is_named(device: str, tiny_checkpoint: Path) -> None:
    with pytest.raises(DeviceError, match="can't be used"):
        load_sam(str(tiny_checkpoint), device=device)


def test_an_unknown_number_type_is_named(tiny_checkpoint: Path) -> None:
    with pytest.raises(DeviceError, match="'float8' isn't known: choose one of float32, bfloat16"):
        load_sam(str(tiny_checkpoint), dtype="float8")
