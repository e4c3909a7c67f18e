"""What the user has pointed at, in map coordinates of the raster. No QGIS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

XY = tuple[float, float]
XYXY = tuple[float, float, float, float]


@dataclass(frozen=True)
class Click:
    """A point that is of the object, or isn't."""

    xy: XY
    is_foreground: bool


@dataclass(frozen=True)
class Box:
    """A rectangle around the object: low x, low y, high x, high y."""

    xyxy: XYXY


@dataclass(frozen=True)
class PromptStack:
    """The prompts of one object in the order in which they came; a value, so an answer can be told from a later one."""

    prompts: tuple[Click | Box, ...] = field(default_factory=tuple)

    def plus(self, prompt: Click | Box) -> PromptStack:
        """These and one more; a later box takes the place of an earlier one, which undoing brings back."""
        return PromptStack((*self.prompts, prompt))

    def undone(self) -> PromptStack:
        """These without the last."""
        return PromptStack(self.prompts[:-1])

    def follows(self, earlier: PromptStack) -> bool:
        """Whether these are the earlier ones and more: then the earlier answer can be refined."""
        n_earlier = len(earlier.prompts)
        return 0 < n_earlier < len(self.prompts) and self.prompts[:n_earlier] == earlier.prompts

    @property
    def clicks(self) -> tuple[Click, ...]:
        """All points."""
        return tuple(prompt for prompt in self.prompts if isinstance(prompt, Click))

    @property
    def box(self) -> Box | None:
        """The box that counts."""
        boxes = [prompt for prompt in self.prompts if isinstance(prompt, Box)]
        return boxes[-1] if boxes else None

    @property
    def bounds_xyxy(self) -> XYXY | None:
        """Around all prompts; None if there are none."""
        xs, ys = [click.xy[0] for click in self.clicks], [click.xy[1] for click in self.clicks]
        if self.box is not None:
            xs, ys = [*xs, *self.box.xyxy[::2]], [*ys, *self.box.xyxy[1::2]]
        return (min(xs), min(ys), max(xs), max(ys)) if xs else None

    @property
    def fields(self) -> dict[str, Any]:
        """As the protocol wants them."""
        return {
            "points_xy": [list(click.xy) for click in self.clicks],
            "is_foreground": [click.is_foreground for click in self.clicks],
            "box_xyxy": None if self.box is None else list(self.box.xyxy),
        }

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.prompts)


def box_around(corners_xy: tuple[XY, ...]) -> Box:
    """The upright box around corners: of a rectangle drawn in another CRS, or on a turned map, all four are needed."""
    xs, ys = [xy[0] for xy in corners_xy], [xy[1] for xy in corners_xy]
    return Box((min(xs), min(ys), max(xs), max(ys)))
