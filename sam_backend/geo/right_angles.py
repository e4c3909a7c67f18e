"""Outlines of buildings with right angles only. Run px."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from sam_backend.geo.outlines import Polygonal, overlap_iou

STRAIGHT_PX = 2.0
"""Within this distance of a line, an outline is taken for straight."""

MIN_EDGE_PX = 4.0
"""Shorter steps are taken for noise."""

MIN_IOU = 0.85


def right_angled(outline: Polygonal, min_edge_px: float = MIN_EDGE_PX, min_iou: float = MIN_IOU) -> Polygonal | None:
    """Redraw an outline with edges along and across its main direction.

    The main direction is the mean of the sides' directions modulo 90 degrees, weighted by their squared length, then
    refined by a regression through all their points. Each edge then lies where it has as much of the object on its
    outer as of the ground on its inner side, so the area stays. Holes turn with their exterior; those without right
    angles are filled.

    Args:
        outline: valid, along the pixels' edges, run px.
        min_edge_px: no edge gets shorter, unless only four are left.
        min_iou: with ``outline``, for the result to be taken.

    Returns:
        None where ``outline`` is no thing of right angles: take another simplification of it.
    """
    if outline.is_empty:
        return None
    pieces = [_square_piece(piece, min_edge_px) for piece in shapely.get_parts(outline)]
    squared = [piece for piece in pieces if piece is not None]
    if not squared or len(squared) < len(pieces):
        return None
    whole: Polygonal = squared[0] if len(squared) == 1 else shapely.MultiPolygon(squared)
    is_faithful = whole.is_valid and overlap_iou(whole, outline) >= min_iou
    return whole if is_faithful else None


def main_direction_rad(ring_xy: NDArray[np.float64]) -> float:
    """The direction of most of a closed ring (n, 2), modulo 90 degrees: -45 to 45 degrees from x towards y."""
    steps_xy = np.diff(ring_xy, axis=0)
    # Four times the angle makes directions 90 degrees apart one; the square of a complex number has its squared length.
    step = steps_xy[:, 0] + 1j * steps_xy[:, 1]
    turned = step**4 / np.maximum(np.abs(step), 1e-12) ** 2
    return float(np.angle(turned.sum()) / 4)


def _square_piece(piece: shapely.Polygon, min_edge_px: float) -> shapely.Polygon | None:
    exterior = _Ring.of(piece.exterior)
    direction_rad = exterior.direction_rad()
    exterior_xy = _square_ring(exterior, direction_rad, min_edge_px)
    if exterior_xy is None:
        return None
    holes_xy = [_square_ring(_Ring.of(hole), direction_rad, min_edge_px) for hole in piece.interiors]
    return shapely.Polygon(exterior_xy, [hole_xy for hole_xy in holes_xy if hole_xy is not None])


@dataclass(frozen=True, slots=True, eq=False)
class _Ring:
    """An outline in steps of one pixel, and where it turns."""

    points_xy: NDArray[np.float64]
    """(n, 2), not closed."""

    corners: NDArray[np.intp]
    """(m,) indices of the points between which the outline is straight."""

    @classmethod
    def of(cls, ring: shapely.LinearRing) -> _Ring:
        points_xy = shapely.get_coordinates(shapely.segmentize(ring, 1.0))
        corners_xy = shapely.get_coordinates(shapely.simplify(shapely.LinearRing(points_xy), STRAIGHT_PX))
        index_of = {point: index for index, point in enumerate(map(tuple, points_xy[:-1].tolist()))}
        corners = np.unique([index_of[corner] for corner in map(tuple, corners_xy.tolist())])
        return cls(points_xy[:-1], corners)

    def direction_rad(self) -> float:
        """The main direction: first of the sides between corners, then of all points of these sides."""
        corners_xy = self.points_xy[self.corners]
        rough_rad = main_direction_rad(np.concatenate([corners_xy, corners_xy[:1]]))
        points = self.points_xy @ _turn(rough_rad)
        around = np.concatenate([points, points])
        stops = np.append(self.corners[1:], self.corners[0] + len(points))
        slopes = np.array([_slope(around[a : b + 1]) for a, b in zip(self.corners, stops, strict=True)])
        return rough_rad + float(np.arctan2(*slopes.sum(axis=0)))


def _slope(side: NDArray[np.float64]) -> tuple[float, float]:
    """Rise and run of the regression line through points (n, 2), turned by 90 degrees if they run across."""
    (along_along, along_across), (_, across_across) = (side - side.mean(axis=0)).T @ (side - side.mean(axis=0))
    return (along_across, along_along) if along_along >= across_across else (-along_across, across_across)


def _turn(direction_rad: float) -> NDArray[np.float64]:
    """Rows times it: the direction becomes the first axis."""
    cosine, sine = np.cos(direction_rad), np.sin(direction_rad)
    return np.array([[cosine, -sine], [sine, cosine]])


def _square_ring(ring: _Ring, direction_rad: float, min_edge_px: float) -> NDArray[np.float64] | None:
    """(m, 2) corners, or None if the ring has fewer than four edges."""
    turn = _turn(direction_rad)
    course = _Course(ring.points_xy @ turn)
    edges = _without_steps(course, course.edges(ring.corners), min_edge_px)
    if len(edges) < 4:
        return None
    corners = [_crossing(edge, edges[index - 1]) for index, edge in enumerate(edges)]
    squared: NDArray[np.float64] = np.array(corners) @ turn.T
    return squared


@dataclass(frozen=True, slots=True)
class _Edge:
    """A stretch of a ring that becomes one straight edge."""

    start: int
    stop: int
    """Indices of the ring's points; beyond the last they go on from the first."""

    is_along: bool
    """Whether it runs along the main direction, not across."""

    position_px: float
    """Of the edge's line: across the main direction if it runs along, else along."""


class _Course:
    """A ring of points (n, 2), turned so that the main direction is the first axis."""

    def __init__(self, points: NDArray[np.float64]) -> None:
        following = np.roll(points, -1, axis=0)
        steps, middles = following - points, (following + points) / 2
        self.n_points = len(points)
        self._reach = _running_sum(steps)
        self._moment = _running_sum(steps * middles[:, ::-1])

    def edges(self, corners: NDArray[np.intp]) -> list[_Edge]:
        """Between corners, neighbours of the same direction as one."""
        stops = np.append(corners[1:], corners[0] + self.n_points)
        is_along = [self._is_along(start, stop) for start, stop in zip(corners, stops, strict=True)]
        # A turn is a corner where the direction changes; everything up to the next turn is one edge.
        turns = [index for index in range(len(corners)) if is_along[index] != is_along[index - 1]]
        starts = [int(corners[turn]) for turn in turns]
        ends = [*starts[1:], *(start + self.n_points for start in starts[:1])]
        return [self.edge(start, end, is_along[turn]) for start, end, turn in zip(starts, ends, turns, strict=True)]

    def edge(self, start: int, stop: int, is_along: bool) -> _Edge:
        """The edge that leaves as much area on one side of its line as on the other."""
        axis = 0 if is_along else 1
        reach = self._reach[stop, axis] - self._reach[start, axis]
        moment = self._moment[stop, axis] - self._moment[start, axis]
        return _Edge(start, stop, is_along, float(moment / reach) if abs(reach) > 1e-9 else float("nan"))

    def _is_along(self, start: int, stop: int) -> bool:
        along, across = np.abs(self._reach[stop] - self._reach[start])
        return bool(along >= across)


def _running_sum(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 n + 1, 2): twice around, so that a stretch over the end is a difference like any other."""
    return np.concatenate([np.zeros((1, 2)), np.cumsum(np.tile(steps, (2, 1)), axis=0)])


def _without_steps(course: _Course, edges: list[_Edge], min_edge_px: float) -> list[_Edge]:
    """Take the shortest edge away, which makes one edge of its neighbours, until none is too short."""
    while len(edges) > 4:
        lengths_px = [_length_px(edges, index) for index in range(len(edges))]
        shortest = int(np.argmin(lengths_px))
        if lengths_px[shortest] >= min_edge_px:
            break
        edges = edges[shortest - 1 :] + edges[: shortest - 1] if shortest else edges[-1:] + edges[:-1]
        before, after = edges[0], edges[2]
        stop = before.start + (after.stop - before.start) % course.n_points
        edges = [course.edge(before.start, stop, before.is_along), *edges[3:]]
    return edges


def _length_px(edges: list[_Edge], index: int) -> float:
    """Between the lines of the two neighbours."""
    return abs(edges[(index + 1) % len(edges)].position_px - edges[index - 1].position_px)


def _crossing(one: _Edge, other: _Edge) -> tuple[float, float]:
    return (other.position_px, one.position_px) if one.is_along else (one.position_px, other.position_px)
