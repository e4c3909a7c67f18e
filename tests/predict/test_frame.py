import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from sam_backend.errors import ImageError
from sam_backend.predict.frame import ImageFrame

sides = st.integers(1, 3000)


@given(height=sides, width=sides)
def test_the_long_side_fills_the_square(height: int, width: int) -> None:
    frame = ImageFrame(image_hw=(height, width), model_size=1024)
    assert max(frame.resized_hw) == 1024
    assert min(frame.resized_hw) >= 1


@given(height=sides, width=sides)
def test_corners_map_to_corners(height: int, width: int) -> None:
    frame = ImageFrame(image_hw=(height, width), model_size=512)
    box = frame.image_to_model_xyxy(np.array([0, 0, width, height], np.float32))
    np.testing.assert_allclose(box, [0, 0, frame.resized_hw[1], frame.resized_hw[0]], rtol=1e-5)


@pytest.mark.parametrize(
    ("image_hw", "resized_hw"),
    [((300, 500), (614, 1024)), ((411, 233), (1024, 581)), ((1100, 1500), (751, 1024)), ((1, 4000), (1, 1024))],
    ids=["landscape", "portrait", "larger", "one row"],
)
def test_sizes_round_as_the_official_code_does(image_hw: tuple[int, int], resized_hw: tuple[int, int]) -> None:
    assert ImageFrame(image_hw=image_hw, model_size=1024).resized_hw == resized_hw


def test_a_mask_survives_the_way_to_the_square_and_back() -> None:
    frame = ImageFrame(image_hw=(120, 200), model_size=256)
    mask = np.zeros((120, 200), np.bool_)
    mask[30:90, 50:140] = True
    coverage = frame.image_to_model_coverage(mask, cell_px=4)
    assert coverage.shape == (64, 64)
    assert coverage[38:].max() == 0  # below the picture
    back = frame.low_res_to_image_logits(torch.from_numpy(coverage)[None] - 0.5)[0].numpy() > 0
    assert (back & mask).sum() / (back | mask).sum() > 0.97


def test_coverage_keeps_the_area() -> None:
    frame = ImageFrame(image_hw=(128, 256), model_size=256)
    mask = np.random.default_rng(0).random((128, 256)) > 0.5
    assert frame.image_to_model_coverage(mask, cell_px=4).sum() * 16 == pytest.approx(mask.sum(), rel=1e-4)


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(ImageError, match="at least one pixel, got 5 x 0"):
        ImageFrame(image_hw=(0, 5), model_size=64)


@given(height=st.integers(1, 90), width=st.integers(1, 90), low_res_size=st.sampled_from([16, 32, 64]))
def test_only_what_is_seen_of_the_logits_is_enlarged(height: int, width: int, low_res_size: int) -> None:
    frame = ImageFrame(image_hw=(height, width), model_size=64)
    logits = torch.randn(2, low_res_size, low_res_size)
    square = F.interpolate(logits[None], (64, 64), mode="bilinear", align_corners=False)
    resized_height, resized_width = frame.resized_hw
    plain = F.interpolate(square[..., :resized_height, :resized_width], (height, width), mode="bilinear")[0]
    assert torch.equal(frame.low_res_to_image_logits(logits), plain)
    seen_height, seen_width = frame.seen_low_res_hw(low_res_size)
    logits[:, seen_height:] = torch.nan
    logits[:, :, seen_width:] = torch.nan
    assert torch.equal(frame.low_res_to_image_logits(logits), plain)
