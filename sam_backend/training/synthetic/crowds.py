"""Many alike, side by side: cells in tissue, fields, roofs in rows, bricks, grains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sam_backend.training.synthetic.layers import Canvas, Layer
from sam_backend.training.synthetic.nesting import part_layer
from sam_backend.training.synthetic.parts import place_parts
from sam_backend.training.synthetic.shapes import draw_cover, random_compact_shape, random_pose, random_shape
from sam_backend.training.synthetic.surfaces import surfaced
from sam_backend.training.synthetic.textures import draw_texture, grain

N_MODELS = 5
MOST_ACROSS = 9
SMALLEST_WITH_PARTS_PX = 14


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A thing that is repeated, with its parts."""

    whole: Layer
    """Its middle is at (0, 0)."""

    parts: list[Layer]


def paint_lattice(canvas: Canvas, rng: np.random.Generator) -> None:
    """One kind of thing at the nodes of a turned, shaken lattice, at all of them or most; some touch or overlap."""
    window_px = min(canvas.topmost.shape)
    pitch_px = max(_log_uniform(8, window_px / 3, rng), window_px / MOST_ACROSS)
    models = _alike_models(pitch_px * rng.uniform(0.7, 1.2), rng)
    kept_share = rng.uniform(0.5, 1)
    for x_px, y_px in _nodes_xy(canvas.topmost.shape, pitch_px, rng):
        if rng.random() < kept_share:
            model = models[int(rng.integers(len(models)))]
            whole = canvas.paint(model.whole.moved(round(x_px), round(y_px)))
            for part in model.parts:
                canvas.paint(part.moved(round(x_px), round(y_px)), part_of=whole)


def paint_tissue(canvas: Canvas, rng: np.random.Generator) -> None:
    """Tiles that fill the picture, each the ground nearest to a seed (a Voronoi diagram), with walls between."""
    height, width = canvas.topmost.shape
    pitch_px = max(_log_uniform(10, min(height, width) / 3, rng), min(height, width) / 22)
    tiles, to_seed_px, to_wall_px = _tiles(height, width, pitch_px, rng)
    tiles[to_wall_px < rng.choice([0.0, 1.0, 2.0, 0.1 * pitch_px])] = 0
    tiles[np.isin(tiles, np.flatnonzero(rng.random(int(tiles.max()) + 1) > rng.uniform(0.6, 1)))] = 0
    offset = canvas.paint_mosaic(tiles, _tinted(tiles, rng))
    if rng.random() < 0.45:
        cores = np.where(to_seed_px < rng.uniform(0.15, 0.35) * pitch_px, tiles, 0)
        canvas.paint_mosaic(cores, _tinted(cores, rng), parts_of=offset)


def _alike_models(side_px: float, rng: np.random.Generator) -> list[Model]:
    """A few things of one kind and texture; in half of the cases they stand alike too, in others they have parts."""
    shape = random_compact_shape(rng) if rng.random() < 0.75 else random_shape(rng)
    common = random_pose(rng) if rng.random() < 0.5 else None
    variety, has_parts = rng.uniform(2, 35), side_px >= SMALLEST_WITH_PARTS_PX and rng.random() < 0.45
    models, first = [], surfaced(np.ones((math.ceil(side_px) + 1,) * 2, np.float32), 0, 0, rng)
    for _ in range(N_MODELS):
        cover = draw_cover(shape, side_px, common or random_pose(rng), rng)
        height, width = cover.shape
        colour = (first.colour[:height, :width] + rng.normal(0, variety, 3).astype(np.float32)).clip(0, 255)
        whole = Layer(colour=colour, alpha=cover, left_px=-(cover.shape[1] // 2), top_px=-(cover.shape[0] // 2))
        parts = [part_layer(part, whole, rng) for part in place_parts(cover, rng)] if has_parts else []
        models.append(Model(whole, parts))
    return models


def _nodes_xy(size_hw: tuple[int, ...], pitch_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 2): nodes of a lattice that is turned, stretched and shaken, in px; some just outside of the picture."""
    height, width = size_hw
    reach = math.ceil(math.hypot(height, width) / pitch_px / 2) + 1
    steps = np.array(list(product(range(-reach, reach + 1), repeat=2)), np.float64)
    steps[:, 0] += rng.choice([0, 0.5]) * (steps[:, 1] % 2)
    steps = steps * [1, rng.uniform(0.8, 1.4)] + rng.normal(0, rng.choice([0.02, 0.15, 0.35]), steps.shape)
    turn = rng.uniform(0, 2 * math.pi)
    rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    nodes_xy: NDArray[np.float64] = steps @ rotation * pitch_px + np.array([width, height]) / 2
    near = ((nodes_xy > -pitch_px / 2) & (nodes_xy < np.array([width, height]) + pitch_px / 2)).all(axis=1)
    return nodes_xy[near]


def _tiles(
    height: int, width: int, pitch_px: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """For each pixel (h, w): its tile from 1, and the distances to the tile's seed and about to the next tile, in px.

    There is one seed in each cell of a grid, so the nearest two are among those of the nine cells around.
    """
    warp_px, stretch = np.float32(rng.choice([0, 0.1, 0.25]) * pitch_px), np.float32(rng.uniform(0.6, 1.7))
    x = np.arange(width, dtype=np.float32)[None] + warp_px * grain(height, width, pitch_px, rng)
    y = np.arange(height, dtype=np.float32)[:, None] * stretch + warp_px * grain(height, width, pitch_px, rng)
    x, y = x - x.min(), y - y.min()
    column, row = (x / pitch_px).astype(np.int64) + 1, (y / pitch_px).astype(np.int64) + 1
    grid_hw = (int(row.max()) + 2, int(column.max()) + 2)
    seed_y, seed_x = (
        ((cell - 1 + rng.uniform(0.1, 0.9, grid_hw)) * pitch_px).astype(np.float32).ravel()
        for cell in np.indices(grid_hw)
    )
    nearest_px: NDArray[np.float32] = np.full(x.shape, np.inf, np.float32)
    next_px = nearest_px
    tiles = np.zeros(x.shape, np.int64)
    for row_step, column_step in product((-1, 0, 1), repeat=2):
        seed = (row + row_step) * grid_hw[1] + column + column_step
        distance_px = np.hypot(x - seed_x[seed], y - seed_y[seed])
        next_px = np.minimum(next_px, np.maximum(nearest_px, distance_px))
        tiles = np.where(distance_px < nearest_px, seed, tiles)
        nearest_px = np.minimum(nearest_px, distance_px)
    return _counted_from_1(tiles), nearest_px, (next_px - nearest_px) / np.float32(2)


def _counted_from_1(tiles: NDArray[np.int64]) -> NDArray[np.int64]:
    present = np.bincount(tiles.ravel()) > 0
    counted: NDArray[np.int64] = np.cumsum(present, dtype=np.int64)[tiles]
    return counted


def _tinted(tiles: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w, 3): one texture in another tint on each tile, at times ploughed: striped along a direction of its own."""
    height, width = tiles.shape
    n_tints = int(tiles.max()) + 1
    tint = rng.normal(0, rng.uniform(4, 45), (n_tints, 3)).astype(np.float32)
    colour = draw_texture(height, width, rng) + tint[tiles]
    if rng.random() < 0.35:
        turn = rng.uniform(0, math.pi, n_tints).astype(np.float32)[tiles]
        along_px = np.cos(turn) * np.arange(width, dtype=np.float32) + np.sin(turn) * np.arange(height)[:, None]
        stripes = np.sin(along_px * np.float32(2 * math.pi / rng.uniform(3, 12)))
        colour += (np.float32(rng.uniform(5, 30)) * stripes)[..., None]
    return colour.clip(0, 255).astype(np.float32)


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
