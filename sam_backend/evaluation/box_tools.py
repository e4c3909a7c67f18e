"""Tools that make a mask of a box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import PromptError
from sam_backend.evaluation.extras import import_extra
from sam_backend.evaluation.view import View

GRAB_CUT_ROUNDS = 5
"""Rounds of fitting colours and cutting; OpenCV's own example takes as many."""


def filled_box(view: View) -> NDArray[np.bool_]:
    """The whole box."""
    x0, y0, x1, y1 = _box_xyxy(view)
    mask = np.zeros(view.image_hw, np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def inscribed_ellipse(view: View) -> NDArray[np.bool_]:
    """The ellipse that fills the box, by pixel centres."""
    x0, y0, x1, y1 = _box_xyxy(view)
    y, x = np.ogrid[: view.image_hw[0], : view.image_hw[1]]
    distance_x, distance_y = (2 * x + 1 - x0 - x1) / (x1 - x0), (2 * y + 1 - y0 - y1) / (y1 - y0)
    inside: NDArray[np.bool_] = distance_x**2 + distance_y**2 <= 1
    return inside


def grab_cut(view: View) -> NDArray[np.bool_]:
    """GrabCut (Rother et al. 2004) of OpenCV: what is outside the box is background, inside colours decide.

    A box around the whole view leaves no background to learn from; its answer is the box.

    Raises:
        MissingExtraError: OpenCV isn't installed.
    """
    cv2 = import_extra("cv2")
    box = filled_box(view)
    if box.all():
        return box
    labels = np.where(box, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    bgr = np.ascontiguousarray(view.image[..., ::-1])
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its first clusters are drawn at random
    cv2.grabCut(bgr, labels, None, background, foreground, GRAB_CUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _box_xyxy(view: View) -> tuple[int, int, int, int]:
    """The box in whole px of the view, at least one on each side."""
    box = view.prompts.box_xyxy
    if box is None:
        raise PromptError("this tool needs a box, but only points or a mask came: give a box")
    height, width = view.image_hw
    x0, y0 = (min(max(0, round(float(low))), side - 1) for low, side in zip(box[:2], (width, height), strict=True))
    x1, y1 = (min(round(float(high)), side) for high, side in zip(box[2:], (width, height), strict=True))
    return x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)
