"""Kinds of shapes: round, cornered, thin, branching, holed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.training.synthetic.pen import Pen

Points = NDArray[np.float64]
Shape = Callable[[Pen, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Pose:
    """How a shape stands."""

    turn_rad: float
    squeeze: float
    """Height by width before the turn."""


def random_pose(rng: np.random.Generator) -> Pose:
    """Any turn; from a third as high as wide to as high as wide."""
    return Pose(turn_rad=rng.uniform(0, 2 * math.pi), squeeze=rng.uniform(0.35, 1))


def draw_cover(shape: Shape, side_px: float, pose: Pose, rng: np.random.Generator) -> NDArray[np.float32]:
    """(h, w), 0 to 1: a shape in a box whose longer side is seldom far below ``side_px``, and never above."""
    pen = Pen(side_px, turn_rad=pose.turn_rad, squeeze=pose.squeeze)
    shape(pen, rng)
    return pen.cover()


def random_shape(rng: np.random.Generator) -> Shape:
    """A kind of shape, compact ones more often than thin ones."""
    return _SHAPES[int(rng.choice(len(_SHAPES), p=_SHARES))]


def random_compact_shape(rng: np.random.Generator) -> Shape:
    """A kind of shape without thin parts, on which parts can sit."""
    return _COMPACT[int(rng.integers(len(_COMPACT)))]


def blob(pen: Pen, rng: np.random.Generator) -> None:
    """A wavy ellipse."""
    pen.polygon(_wavy_xy(rng))


def disc(pen: Pen, rng: np.random.Generator) -> None:
    """An ellipse."""
    pen.polygon(_circle_xy(1.0, 40))


def holed_blob(pen: Pen, rng: np.random.Generator) -> None:
    """A wavy ellipse with one to four holes."""
    pen.polygon(_wavy_xy(rng))
    for _ in range(int(rng.integers(1, 5))):
        pen.polygon(_wavy_xy(rng) * rng.uniform(0.1, 0.35) + rng.uniform(-0.45, 0.45, 2), solid=False)


def box(pen: Pen, rng: np.random.Generator) -> None:
    """A rectangle, its corners perhaps cut off or drawn together on one side."""
    half = 0.7
    cut, taper = rng.choice([0, 0.25]) * rng.uniform(0.2, 1), rng.choice([1.0, rng.uniform(0.3, 1)])
    right = np.array([[half - cut, -half], [half, cut - half], [half, half - cut], [half - cut, half]])
    outline = np.concatenate([right, right[::-1] * [-1, 1]])
    pen.polygon(outline * np.where(outline[:, 1:] > 0, [taper, 1.0], 1.0))


def corners(pen: Pen, rng: np.random.Generator) -> None:
    """A polygon of three to eight corners around the middle."""
    n_corners = int(rng.integers(3, 9))
    angle = (np.arange(n_corners) + rng.uniform(-0.35, 0.35, n_corners)) * (2 * math.pi / n_corners)
    pen.polygon(_around_xy(angle, rng.uniform(0.6, 1, n_corners)))


def angled(pen: Pen, rng: np.random.Generator) -> None:
    """An L, a T or a plus of bars, as buildings stand."""
    thickness, top = rng.uniform(0.2, 0.45), rng.choice([-0.9, 0.0])
    across = np.array([[-0.9, -1.0], [0.9, -1.0], [0.9, 1.0], [-0.9, 1.0]]) * [1, thickness]
    down = np.array([[-1.0, top], [1.0, top], [1.0, 0.9], [-1.0, 0.9]]) * [thickness, 1]
    pen.polygon(across)
    pen.polygon(down + np.array([rng.choice([0.0, thickness - 0.9]), 0]))


def star(pen: Pen, rng: np.random.Generator) -> None:
    """A star or a gear."""
    n_tips = int(rng.integers(4, 13))
    inner = rng.uniform(0.3, 0.8)
    angle = np.arange(2 * n_tips) * (math.pi / n_tips)
    pen.polygon(_around_xy(angle, np.where(np.arange(2 * n_tips) % 2, inner, 1.0)))


def crescent(pen: Pen, rng: np.random.Generator) -> None:
    """A disc out of which another is cut."""
    pen.polygon(_circle_xy(0.95, 40))
    pen.polygon(_circle_xy(rng.uniform(0.6, 0.9), 40) + np.array([rng.uniform(0.3, 0.7), 0]), solid=False)


def ring(pen: Pen, rng: np.random.Generator) -> None:
    """A ring, perhaps open."""
    outer = _wavy_xy(rng) if rng.random() < 0.4 else _circle_xy(0.95, 48)
    pen.polygon(outer)
    pen.polygon(outer * rng.uniform(0.5, 0.92), solid=False)
    if rng.random() < 0.25:
        pen.polygon(np.array([[0, 0], [2, -0.8], [2, 0.8]]), solid=False)


def rod(pen: Pen, rng: np.random.Generator) -> None:
    """A straight or bent rod."""
    x = np.linspace(-0.95, 0.95, 12)
    bend = rng.choice([0, 0, 1]) * rng.uniform(0.1, 0.5) * np.sin(x * rng.uniform(1, 4) + rng.uniform(0, 6))
    pen.line(np.stack([x, bend], axis=1), width=math.exp(rng.uniform(math.log(0.05), math.log(0.3))))


def worm(pen: Pen, rng: np.random.Generator) -> None:
    """A line that wanders, like a fibre, a river or a road."""
    heading = rng.uniform(0, 2 * math.pi) + np.cumsum(rng.normal(0, 0.4, 24))
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    path -= (path.min(axis=0) + path.max(axis=0)) / 2
    pen.line(path * (0.92 / np.abs(path).max()), width=rng.uniform(0.04, 0.2))


def tree(pen: Pen, rng: np.random.Generator) -> None:
    """Strokes that fork into thinner ones: a plant, a vessel, a nerve cell."""
    spread, shrink = rng.uniform(0.3, 0.7), rng.uniform(0.65, 0.8)
    twigs = [(np.array([0.0, 0.95]), -math.pi / 2, 0.62, rng.uniform(0.1, 0.22))]
    while twigs:
        foot, heading, length, width = twigs.pop()
        tip = foot + length * np.array([math.cos(heading), math.sin(heading)])
        pen.line(np.stack([foot, tip]), width)
        if length > 0.2:
            for side in (-1, 1):
                turn = side * spread * rng.uniform(0.5, 1.4)
                twigs.append((tip, heading + turn, length * shrink, width * 0.7))


def bunch(pen: Pen, rng: np.random.Generator) -> None:
    """Several discs that touch: grapes, a cloud, a colony."""
    for _ in range(int(rng.integers(3, 9))):
        pen.polygon(_circle_xy(rng.uniform(0.2, 0.45), 24) + rng.uniform(-0.5, 0.5, 2))


_SHARES_BY_SHAPE: dict[Shape, float] = {
    blob: 0.17,
    disc: 0.1,
    box: 0.15,
    corners: 0.12,
    angled: 0.06,
    star: 0.06,
    crescent: 0.04,
    bunch: 0.05,
    holed_blob: 0.05,
    ring: 0.05,
    rod: 0.06,
    worm: 0.05,
    tree: 0.04,
}
_SHAPES, _SHARES = tuple(_SHARES_BY_SHAPE), tuple(_SHARES_BY_SHAPE.values())
_COMPACT = (blob, disc, box, corners, blob, disc, box)


def _wavy_xy(rng: np.random.Generator) -> Points:
    angle = np.arange(48) * (2 * math.pi / 48)
    radius = np.ones(len(angle))
    for order in range(2, 7):
        radius += rng.normal(0, 0.16 / order) * np.cos(order * angle + rng.uniform(0, 2 * math.pi))
    return _around_xy(angle, radius / radius.max())


def _circle_xy(radius: float, n_points: int) -> Points:
    return _around_xy(np.arange(n_points) * (2 * math.pi / n_points), np.full(n_points, radius))


def _around_xy(angle: NDArray[np.floating[Any]], radius: NDArray[np.floating[Any]]) -> Points:
    outline_xy: Points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return outline_xy
