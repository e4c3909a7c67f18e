"""Sources of samples that tests share."""

import numpy as np

from sam_backend.training.sample import Sample


class OnePicture:
    """The same picture at every draw: a bright square on dark ground."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        mask = np.zeros((window_px, window_px), np.bool_)
        mask[window_px // 4 : window_px * 3 // 4, window_px * 5 // 16 : window_px * 11 // 16] = True
        return Sample(image=np.repeat(mask[..., None] * np.uint8(220), 3, axis=2), masks=mask[None])


class TwoBlobs:
    """A bright and a dim rectangle at random places."""

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        masks = np.zeros((2, window_px, window_px), np.bool_)
        image = np.zeros((window_px, window_px, 3), np.uint8)
        for mask, light in zip(masks, (220, 120), strict=True):
            left, top = rng.integers(window_px - 20, size=2)
            mask[top : top + 20, left : left + 16] = True
            image[mask] = light
        masks[0] &= ~masks[1]
        return Sample(image=image, masks=masks[masks.any(axis=(1, 2))][:max_masks])
