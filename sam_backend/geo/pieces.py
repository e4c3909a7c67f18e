"""The pieces of a mask."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from sam_backend.geo.merge.placed import cropped
from sam_backend.geo.tiles import PlacedMask


def largest_piece(placed: PlacedMask) -> PlacedMask:
    """The largest of the pieces that touch by no edge, the first of equals; the mask itself if it is one piece."""
    labels = np.zeros(placed.mask.shape, np.int32)
    n_pieces = ndimage.label(placed.mask, output=labels)
    if n_pieces == 1:
        return placed
    areas_px = np.bincount(labels.ravel())[1:]
    return cropped(PlacedMask(placed.left_px, placed.top_px, labels == 1 + int(areas_px.argmax())))
