"""The pieces of a mask."""

import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as nps

from sam_backend.geo.outlines import outline_of
from sam_backend.geo.pieces import largest_piece
from sam_backend.geo.tiles import PlacedMask


@given(nps.arrays(bool, nps.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_the_largest_piece_is_the_one_that_is_outlined(mask: np.ndarray) -> None:
    mask[0, 0] = True
    placed = PlacedMask(5, 7, mask)
    piece = largest_piece(placed)
    assert outline_of(piece).area == outline_of(placed).area
    assert outline_of(piece, largest_piece_only=False).area == piece.mask.sum()


def test_a_mask_of_one_piece_stays_as_it_is() -> None:
    placed = PlacedMask(5, 7, np.ones((2, 3), bool))
    assert largest_piece(placed) is placed


def test_what_touches_by_a_corner_only_is_another_piece() -> None:
    piece = largest_piece(PlacedMask(5, 7, np.array([[True, False, False], [False, True, True]])))
    assert (piece.left_px, piece.top_px, piece.mask.shape) == (6, 8, (1, 2))
