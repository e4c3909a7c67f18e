"""What a tool sees of an object: a window of the picture around it, and the prompts in px of that window.

The window keeps slow tools quick. It also spares them the rest of the picture, which the model has to bear: a flood
can't leak farther than the window, and colours far away don't confuse GrabCut. So the tools come off rather well.
Tools that are clicked see a looser window than those that are told the box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.types import Prompts

Scalar = TypeVar("Scalar", bound=np.generic)

MARGIN_SHARE = 0.5
"""How far a window goes beyond the object's true box on each side, as a share of the box's side."""

ZOOM_MARGIN_SHARES = (0.5, 2.0)
"""Between what shares of the box's longest side the margins lie when a person zoomed in by eye, each on its own."""

SMALLEST_MARGIN_PX = 8
"""And at least so far."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where a window lies in its picture: half-open, in image px."""

    x0: int
    y0: int
    x1: int
    y1: int
    open_sides: tuple[bool, bool, bool, bool]
    """Left, top, right, bottom: whether the picture goes on there."""

    def crop(self, array: NDArray[Scalar]) -> NDArray[Scalar]:
        """The window of an array (h, w, ...)."""
        return array[self.y0 : self.y1, self.x0 : self.x1]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A tool's input. Everything is in px of the window, whose top left corner is (0, 0)."""

    image: NDArray[np.uint8]
    """(h, w, 3) RGB."""

    prompts: Prompts

    open_sides: tuple[bool, bool, bool, bool]
    """Left, top, right, bottom: whether the picture goes on there."""

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the window."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def border(self) -> NDArray[np.bool_]:
        """(h, w): the outermost pixels on the sides where the picture goes on."""
        left, top, right, bottom = self.open_sides
        border = np.zeros(self.image_hw, np.bool_)
        border[:, 0] |= left
        border[0] |= top
        border[:, -1] |= right
        border[-1] |= bottom
        return border


Tool = Callable[[View], NDArray[np.bool_]]
"""From a view to the mask (h, w) of the object prompted."""


def window_around(box_xyxy: NDArray[np.float32], image_hw: tuple[int, int]) -> Window:
    """The window around an object's box (4,), in image px: what a person who draws a box tells."""
    x0, y0, x1, y1 = box_xyxy.astype(int).tolist()
    margin_x, margin_y = (max(SMALLEST_MARGIN_PX, round(MARGIN_SHARE * side)) for side in (x1 - x0, y1 - y0))
    return _window(x0 - margin_x, y0 - margin_y, x1 + margin_x, y1 + margin_y, image_hw)


def window_zoomed_by_eye(box_xyxy: NDArray[np.float32], image_hw: tuple[int, int]) -> Window:
    """A window that shows an object whole, of which its box (4,) can't be told: what a person who clicks looks at.

    The margins are random, but always the same for the same box.
    """
    x0, y0, x1, y1 = box_xyxy.astype(int).tolist()
    shares = np.random.default_rng([x0, y0, x1, y1]).uniform(*ZOOM_MARGIN_SHARES, size=4)
    left, top, right, bottom = np.maximum(SMALLEST_MARGIN_PX, shares * max(x1 - x0, y1 - y0)).round().astype(int)
    return _window(x0 - int(left), y0 - int(top), x1 + int(right), y1 + int(bottom), image_hw)


def _window(left: int, top: int, right: int, bottom: int, image_hw: tuple[int, int]) -> Window:
    height, width = image_hw
    return Window(
        x0=max(0, left),
        y0=max(0, top),
        x1=min(width, right),
        y1=min(height, bottom),
        open_sides=(left > 0, top > 0, right < width, bottom < height),
    )


def at_most(longest_px: int, tool: Tool) -> Tool:
    """A tool that works on views of at most ``longest_px``: larger ones are shrunk, and its mask is enlarged."""

    def shrinking(view: View) -> NDArray[np.bool_]:
        if max(view.image_hw) <= longest_px:
            return tool(view)
        return _resize_mask(tool(_shrink(view, longest_px)), view.image_hw)

    return shrinking


def _shrink(view: View, longest_px: int) -> View:
    height, width = view.image_hw
    scale = longest_px / max(height, width)
    small_h, small_w = (max(1, round(side * scale)) for side in (height, width))
    scale_xy = np.array([small_w / width, small_h / height], np.float32)
    box = view.prompts.box_xyxy
    return View(
        image=np.asarray(Image.fromarray(view.image).resize((small_w, small_h), Image.Resampling.BOX)),
        prompts=Prompts(
            points_xy=view.prompts.points_xy * scale_xy,
            is_foreground=view.prompts.is_foreground,
            box_xyxy=None if box is None else box * np.tile(scale_xy, 2),
        ),
        open_sides=view.open_sides,
    )


def _resize_mask(mask: NDArray[np.bool_], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    height, width = image_hw
    smooth = Image.fromarray(mask.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(smooth) > 0.5
