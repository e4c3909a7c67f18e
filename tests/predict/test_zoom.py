import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.predict.zoom import SMALL, Crop, crop_around, second_look
from sam_backend.types import MaskPrediction, Prompts


def _mask(image_hw: tuple[int, int], left: int, top: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros(image_hw, bool)
    mask[top : top + height, left : left + width] = True
    return mask


@given(st.data())
def test_crop_holds_object_and_clicks_lies_in_the_picture_and_makes_the_object_larger(data: st.DataObject) -> None:
    height, width = (data.draw(st.integers(100, 3000)) for _ in range(2))
    long_px = max(height, width)
    sides = [data.draw(st.integers(1, max(1, int(long_px * SMALL) - 1))) for _ in range(2)]
    assume(sides[0] < width and sides[1] < height)
    left, top = data.draw(st.integers(0, width - sides[0])), data.draw(st.integers(0, height - sides[1]))
    click = data.draw(st.floats(0, width, width=32)), data.draw(st.floats(0, height, width=32))
    crop = crop_around(_mask((height, width), left, top, *sides), Prompts.of(points=[(*click, True)]))
    if crop is None:
        reach = [
            max(abs(click[0] - left), abs(click[0] - left - sides[0])),
            max(abs(click[1] - top), abs(click[1] - top - sides[1])),
        ]
        assert 3 * max(*reach, *sides) > long_px / 2 or long_px / 2 < 64
        return
    assert 0 <= crop.left <= left
    assert left + sides[0] <= crop.right <= width
    assert 0 <= crop.top <= top
    assert top + sides[1] <= crop.bottom <= height
    assert crop.left <= click[0] <= crop.right
    assert crop.top <= click[1] <= crop.bottom
    assert max(crop.right - crop.left, crop.bottom - crop.top) <= long_px / 2 + 1


def test_neighbouring_objects_share_a_crop() -> None:
    crops = {
        crop_around(_mask((1000, 1500), left, 500, 30, 20), Prompts.of(points=[(left + 15, 510, True)]))
        for left in (700, 710, 718)
    }
    assert len(crops) == 1


@pytest.mark.parametrize(
    ("mask", "prompts"),
    [
        pytest.param(_mask((1000, 1500), 0, 0, 75, 10), Prompts.of(points=[(5, 5, True)]), id="large enough"),
        pytest.param(_mask((1000, 1500), 0, 0, 0, 0), Prompts.of(points=[(5, 5, True)]), id="empty"),
        pytest.param(_mask((100, 120), 50, 50, 3, 3), Prompts.of(points=[(51, 51, True)]), id="small picture"),
        pytest.param(
            _mask((1000, 1500), 0, 0, 9, 9), Prompts.of(points=[(5, 5, True), (1400, 9, False)]), id="click far away"
        ),
        pytest.param(_mask((1000, 1500), 0, 0, 9, 9), Prompts.of(box_xyxy=(0, 0, 200, 200)), id="box says larger"),
    ],
)
def test_object_is_left_as_it_is(mask: np.ndarray, prompts: Prompts) -> None:
    assert crop_around(mask, prompts) is None


def _looked(predictor: Predictor, first_iou: float, prompts: Prompts) -> tuple[MaskPrediction | None, np.ndarray, Crop]:
    image = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    crops: list[Crop] = []

    def embed(crop: Crop) -> Embedding:
        crops.append(crop)
        return predictor.embed(crop.of(image))

    logits = np.zeros((1, 32, 32), np.float32)
    first = MaskPrediction(_mask((600, 800), 400, 300, 20, 20)[None], np.array([first_iou], np.float32), logits)
    shown = second_look(predictor, first, prompts, embed)
    (crop,) = crops
    return shown, image, crop


@pytest.mark.parametrize(
    "prompts",
    [
        pytest.param(Prompts.of(points=[(410, 310, True)]), id="click"),
        pytest.param(Prompts.of(box_xyxy=(400, 300, 420, 320)), id="box"),
        pytest.param(Prompts.of(points=[(410, 310, True), (425, 310, False)]), id="two clicks"),
    ],
)
def test_better_mask_of_the_crop_is_pasted_where_it_lies(tiny_predictor: Predictor, prompts: Prompts) -> None:
    shown, image, crop = _looked(tiny_predictor, -100.0, prompts)
    assert shown is not None
    origin = np.array([crop.left, crop.top], np.float32)
    moved = Prompts(
        prompts.points_xy - origin,
        prompts.is_foreground,
        None if prompts.box_xyxy is None else prompts.box_xyxy - np.tile(origin, 2),
    )
    is_click = len(prompts.points_xy) == 1
    wanted = tiny_predictor.segment(tiny_predictor.embed(crop.of(image)), moved, multimask=is_click)
    inside = shown.masks[0, crop.top : crop.bottom, crop.left : crop.right]
    np.testing.assert_array_equal(inside, wanted.masks[wanted.best])
    assert shown.masks.sum() == inside.sum()
    assert shown.predicted_iou[0] == wanted.predicted_iou[wanted.best]
    assert not shown.low_res_logits.any()  # those of the first look


def test_worse_mask_of_the_crop_is_left_away(tiny_predictor: Predictor) -> None:
    shown, _, _ = _looked(tiny_predictor, 100.0, Prompts.of(points=[(410, 310, True)]))
    assert shown is None
