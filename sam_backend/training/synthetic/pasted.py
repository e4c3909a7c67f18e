"""Cut-out objects pasted on photographs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_backend.training.sample import Sample
from sam_backend.training.synthetic.cutout_index import Entry
from sam_backend.training.synthetic.cutouts import CutoutFolder
from sam_backend.training.synthetic.finish import finished
from sam_backend.training.synthetic.layers import Canvas, Layer
from sam_backend.training.synthetic.picture_cache import DEFAULT_CACHE_BYTES
from sam_backend.training.synthetic.placing import layer_at, matched, recoloured, shadow_of, turned_cutout
from sam_backend.training.synthetic.textures import draw_texture

SMALLEST_SIDE_PX = 12.0
LARGEST_SHARE = 0.8
LARGEST_ENLARGEMENT = 2.0

CROWD_SHARE = 0.2
SHADOW_SHARE = 0.25
OTHER_SKIN_SHARE = 0.12
MATCHED_SHARE = 0.15
NEGATIVE_SHARE = 0.04
TEXTURE_BACKGROUND_SHARE = 0.12


class PastedObjects:
    """An endless source of pictures with objects that once were photographed or rendered alone."""

    def __init__(self, folder: Path, held_out: bool = False, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        """Open a folder that ``fetch`` has prepared.

        Args:
            folder: holds ``index.json``.
            held_out: draw from what is kept for evaluation instead of what is trained on.
            cache_bytes: how much may be kept decoded.

        Raises:
            DatasetError: there is no index, or this side of it is empty.
        """
        self._cutouts = CutoutFolder(folder, held_out, cache_bytes)

    def draw(self, rng: np.random.Generator, window_px: int, max_masks: int) -> Sample:
        """A new picture; drawn again in the rare case that nothing is visible in it."""
        while True:
            canvas = self.paint(rng, window_px, window_px)
            chosen = canvas.draw_visible(rng, max_masks)
            if len(chosen):
                image = finished(canvas.picture, rng, NEGATIVE_SHARE)
                return Sample(image=image, masks=canvas.masks(chosen))

    def paint(self, rng: np.random.Generator, height: int, width: int) -> Canvas:
        """A background with objects on it; perhaps none of them is visible."""
        canvas = Canvas(self._draw_background(rng, height, width))
        for entry, side_px in self._draw_objects(rng, min(height, width)):
            layer = self._draw_layer(entry, side_px, canvas, rng)
            if rng.random() < SHADOW_SHARE:
                canvas.stain(shadow_of(layer, rng))
            canvas.paint(layer)
        return canvas

    def _draw_background(self, rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
        if rng.random() < TEXTURE_BACKGROUND_SHARE:
            return draw_texture(height, width, rng)
        return self._cutouts.draw_photograph(rng, height, width)

    def _draw_objects(self, rng: np.random.Generator, window_px: int) -> Iterator[tuple[Entry, float]]:
        """What to paste and how long its longer side is, from the lowest to the topmost."""
        if rng.random() < CROWD_SHARE:
            entry, side_px = self._cutouts.draw_object(rng), _draw_side_px(rng, 0.25 * window_px)
            for _ in range(int(rng.integers(4, 20))):
                yield entry, side_px * rng.uniform(0.8, 1.25)
            return
        largest_px = math.exp(rng.uniform(math.log(0.2), math.log(LARGEST_SHARE))) * window_px
        n_objects = int(rng.integers(1, 13))
        largest = int(rng.integers(n_objects))
        for index in range(n_objects):
            side_px = largest_px if index == largest else _draw_side_px(rng, largest_px)
            yield self._cutouts.draw_object(rng), side_px

    def _draw_layer(self, entry: Entry, side_px: float, canvas: Canvas, rng: np.random.Generator) -> Layer:
        picture = self._cutouts.read_object(entry, side_px)
        side_px = min(side_px, LARGEST_ENLARGEMENT * max(picture.size))
        cutout = turned_cutout(picture, side_px, rng)
        layer = layer_at(cutout, *_draw_place(rng, cutout.size, canvas.topmost.shape))
        colour = self._other_skin(layer, rng) if rng.random() < OTHER_SKIN_SHARE else recoloured(layer.colour, rng)
        layer = layer.recoloured(colour)
        if rng.random() < MATCHED_SHARE:
            return matched(layer, canvas.picture[::8, ::8], rng.uniform(0.2, 0.5))
        return layer

    def _other_skin(self, layer: Layer, rng: np.random.Generator) -> NDArray[np.float32]:
        """A photograph or a texture in the object's place: its shape alone must tell it."""
        height, width = layer.alpha.shape
        if rng.random() < 0.5:
            return draw_texture(height, width, rng)
        return self._cutouts.draw_photograph(rng, height, width)


def _draw_side_px(rng: np.random.Generator, largest_px: float) -> float:
    """Log-uniform, so that every octave of sizes is as common."""
    return math.exp(rng.uniform(math.log(SMALLEST_SIDE_PX), math.log(max(largest_px, SMALLEST_SIDE_PX))))


def _draw_place(rng: np.random.Generator, size_wh: tuple[int, int], canvas_hw: tuple[int, ...]) -> tuple[int, int]:
    """Left and top of an object: mostly inside the picture, at times over its edge."""
    overhang = 0.4 if rng.random() < 0.2 else 0.0
    left_px, top_px = (
        round(rng.uniform(-overhang * size_px, max(1, limit_px - (1 - overhang) * size_px)))
        for size_px, limit_px in zip(size_wh, (canvas_hw[1], canvas_hw[0]), strict=True)
    )
    return left_px, top_px
