import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.tracing import drawing
from sam_backend.predict.tracing.drawing import draw_masks


@settings(max_examples=60)
@given(
    image_hw=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    coarse=st.sampled_from([2, 5, 16, 64]),
    shift=st.sampled_from([-20.0, -0.5, 0.0, 0.5, 20.0]),
    seed=st.integers(0, 2**32 - 1),
    most_share=st.sampled_from([0.0, 0.1, 10.0]),
)
def test_drawn_masks_equal_those_of_all_pixels(
    image_hw: tuple[int, int], coarse: int, shift: float, seed: int, most_share: float
) -> None:
    noise = torch.randn(1, 3, coarse, coarse, generator=torch.Generator().manual_seed(seed))
    logits = 5 * torch.nn.functional.interpolate(noise, (64, 64), mode="bicubic")[0] + shift
    frame = ImageFrame(image_hw, 256)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "MOST_COMPUTED_SHARE", most_share)
        masks = draw_masks(frame, logits)
    full = frame.low_res_to_image_logits(logits)
    assert masks.shape == full.shape
    differs = masks != (full > 0).numpy()
    assert np.abs(full.numpy()[differs]).max(initial=0) < 1e-4


def test_half_precision_is_drawn_as_its_numbers_say() -> None:
    logits = torch.randn(2, 64, 64).to(torch.bfloat16)
    frame = ImageFrame((90, 130), 256)
    np.testing.assert_array_equal(draw_masks(frame, logits), draw_masks(frame, logits.float()))


def test_no_masks_are_none() -> None:
    assert draw_masks(ImageFrame((90, 130), 256), torch.zeros(0, 64, 64)).shape == (0, 90, 130)
