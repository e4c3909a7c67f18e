import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.training.augment import random_light, random_turn
from sam_backend.training.sample import Sample, mask_box_xyxy

seeds = st.integers(0, 1000)


@given(seed=seeds)
def test_a_turn_moves_picture_and_masks_alike(seed: int) -> None:
    bits = np.random.default_rng(seed).random((3, 50, 70)) < 0.5
    turned = random_turn(
        Sample(image=bits.transpose(1, 2, 0).astype(np.uint8), masks=bits), np.random.default_rng(seed)
    )
    np.testing.assert_array_equal(turned.image.transpose(2, 0, 1) > 0, turned.masks)
    assert sorted(turned.masks.shape[1:]) == [50, 70]


@given(seed=seeds)
def test_light_keeps_the_shape(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), np.uint8)
    changed = random_light(image, np.random.default_rng(seed))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8


def test_the_box_of_a_mask_is_half_open() -> None:
    mask = np.zeros((10, 12), np.bool_)
    mask[2:5, 3:9] = True
    assert mask_box_xyxy(mask).tolist() == [3, 2, 9, 5]
