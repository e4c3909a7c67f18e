"""One mask of every kind, and a strategy for any other."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray


def drawn(*rows: str) -> NDArray[np.bool_]:
    return np.array([[char == "#" for char in row] for row in rows])


def disc(h: int, w: int, radius_px: float) -> NDArray[np.bool_]:
    y, x = np.mgrid[:h, :w] + 0.5
    return (x - w / 2) ** 2 + (y - h / 2) ** 2 < radius_px**2


def noise(h: int, w: int, share: float = 0.5) -> NDArray[np.bool_]:
    return np.random.default_rng(20).random((h, w)) < share


SAMPLES = {
    "empty": np.zeros((5, 7), np.bool_),
    "full": np.ones((7, 5), np.bool_),
    "one-pixel": drawn(".....", "...#.", "....."),
    "one-pixel-picture": np.ones((1, 1), np.bool_),
    "first-and-last-pixel": drawn("#...", "....", "...#"),
    "holed": drawn("......", ".####.", ".#..#.", ".####.", "......"),
    "hole-with-island": drawn("#####", "#...#", "#.#.#", "#...#", "#####"),
    "two-blobs": drawn("##....", "##....", "....##", "....##"),
    "blobs-touching-diagonally": drawn("##..", "##..", "..##", "..##"),
    "holes-touching-diagonally": drawn("#####", "#.###", "##.##", "#####"),
    "left-edge": drawn("....", "##..", "##..", "...."),
    "right-edge": drawn("....", "..##", "..##", "...."),
    "top-edge": drawn(".##.", ".##.", "....", "...."),
    "bottom-edge": drawn("....", "....", ".##.", ".##."),
    "all-edges": drawn("..#..", "..#..", "#####", "..#.."),
    "row": drawn("..###.#"),
    "column": drawn(".", "#", "#", ".", "#"),
    "longer-than-one-run-can-be": np.ones((3, 16385), np.bool_),
    "noise": noise(80, 120),
    "disc-1500x1000": disc(1000, 1500, 430.0),
}

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24))


@st.composite
def masks_of_long_runs(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Runs of every length class of the brush RLE, from 1 pixel to beyond what one run can hold."""
    lengths = draw(st.lists(st.one_of(st.integers(1, 70), st.integers(16000, 40000)), min_size=1, max_size=8))
    pixels = np.repeat(np.arange(len(lengths)) % 2 == draw(st.integers(0, 1)), lengths)
    h = draw(st.integers(1, 7))
    return np.resize(pixels, (h, -(-pixels.size // h)))
