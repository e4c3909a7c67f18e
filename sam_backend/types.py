"""What crosses borders between the rooms: prompts in, masks and polygons out. Numpy only.

Image px, the frame of everything here: the original picture after EXIF rotation, x right, y down,
(0, 0) the outer corner of the top-left pixel. Boxes are half-open corners, so ``x1 - x0`` is the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import PromptError


def _no_points_xy() -> NDArray[np.float32]:
    return np.zeros((0, 2), np.float32)


def _no_labels() -> NDArray[np.bool_]:
    return np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """What the user pointed at to name one object, in image px."""

    points_xy: NDArray[np.float32] = field(default_factory=_no_points_xy)
    """(n, 2)."""

    is_foreground: NDArray[np.bool_] = field(default_factory=_no_labels)
    """(n,). True where a click says "this is the object", False where it says "not this". 1 and 0 will do, too."""

    box_xyxy: NDArray[np.float32] | None = None
    """(4,): left, top, right, bottom."""

    mask_logits: NDArray[np.float32] | None = None
    """(h, w): one mask of an earlier prediction's ``low_res_logits``, to be refined."""

    def __post_init__(self) -> None:
        """Check shapes and values; lists become arrays, and labels of 1 and 0, as the official API has them, bool.

        Raises:
            PromptError: there is no prompt at all, a shape is off, a label is another one, a number is none or isn't
                finite, or the box has no area.
        """
        object.__setattr__(self, "points_xy", _as_numbers(self.points_xy, "points"))
        object.__setattr__(self, "is_foreground", _as_labels(self.is_foreground))
        if self.box_xyxy is not None:
            object.__setattr__(self, "box_xyxy", _as_numbers(self.box_xyxy, "a box"))
        n_labels = len(self.is_foreground)
        if self.points_xy.shape != (n_labels, 2):
            raise PromptError(f"{n_labels} labels need points of shape ({n_labels}, 2), got {self.points_xy.shape}")
        if not np.isfinite(self.points_xy).all():
            raise PromptError(f"points need finite coordinates, got {self.points_xy.tolist()}")
        if self.box_xyxy is not None:
            _check_box(self.box_xyxy)
        if self.mask_logits is not None and self.mask_logits.ndim != 2:
            raise PromptError(f"a mask prompt needs the shape (h, w), got {self.mask_logits.shape}")
        if n_labels == 0 and self.box_xyxy is None and self.mask_logits is None:
            raise PromptError("no prompt came: give at least one point, a box or a mask")

    @classmethod
    def of(
        cls,
        points: Sequence[tuple[float, float, bool]] = (),
        box_xyxy: Sequence[float] | None = None,
        mask_logits: NDArray[np.float32] | None = None,
    ) -> Prompts:
        """Build prompts from plain Python numbers.

        Args:
            points: ``(x, y, is_foreground)`` each, in image px.
            box_xyxy: left, top, right, bottom in image px.
            mask_logits: (h, w), one mask of an earlier prediction's ``low_res_logits``.

        Raises:
            PromptError: as `Prompts` itself, or a point isn't three values.
        """
        for point in points:
            if len(point) != 3:
                raise PromptError(f"a point is (x, y, is_foreground), got {tuple(point)}: say True for the object")
        return cls(
            points_xy=_as_numbers([point[:2] for point in points], "points").reshape(-1, 2),
            is_foreground=_as_labels([point[2] for point in points]),
            box_xyxy=None if box_xyxy is None else _as_numbers(list(box_xyxy), "a box"),
            mask_logits=mask_logits,
        )


def _as_numbers(given: object, what: str) -> NDArray[np.float32]:
    """An array as it is, of whatever kind of numbers; anything else in float32."""
    try:
        array = given if isinstance(given, np.ndarray) else np.array(given, np.float32)
    except (TypeError, ValueError):
        raise PromptError(f"{what} came as {given!r}: give an array of numbers") from None
    if array.dtype.kind not in "fiu":
        raise PromptError(f"{what} came as an array of {array.dtype}: give an array of numbers")
    return array


def _as_labels(given: object) -> NDArray[np.bool_]:
    array = np.asarray(given) if np.size(given) else _no_labels()  # type: ignore[arg-type]
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "iu" or not ((array == 0) | (array == 1)).all():
        raise PromptError(f"labels are True or 1 on the object, False or 0 beside it, got {array.tolist()}")
    return array.astype(np.bool_)


def _check_box(box_xyxy: NDArray[np.float32]) -> None:
    if box_xyxy.shape != (4,):
        raise PromptError(f"a box needs 4 numbers (left, top, right, bottom), got the shape {box_xyxy.shape}")
    x0, y0, x1, y1 = box_xyxy.tolist()
    if not np.isfinite(box_xyxy).all():
        raise PromptError(f"a box needs finite coordinates, got {x0:g},{y0:g},{x1:g},{y1:g}")
    if x1 <= x0 or y1 <= y0:
        raise PromptError(
            f"the box {x0:g},{y0:g},{x1:g},{y1:g} has no area: give left, top, right, bottom "
            "with right > left and bottom > top"
        )


@dataclass(frozen=True, slots=True, eq=False)
class MaskPrediction:
    """The answer to one object's prompts: one or three masks in the model's order."""

    masks: NDArray[np.bool_]
    """(n, h, w) in image px. True = object."""

    predicted_iou: NDArray[np.float32]
    """(n,). The model's own estimate of each mask's IoU with the object meant; mostly 0..1, not clipped."""

    low_res_logits: NDArray[np.float32]
    """(n, h, w) in a quarter of model px. Object where > 0. One of them can go back in as ``Prompts.mask_logits``."""

    @property
    def best(self) -> int:
        """Index of the mask with the highest predicted IoU."""
        return int(np.argmax(self.predicted_iou))


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """One connected piece of a mask, in image px. Rings are closed without repeating their first corner."""

    exterior_xy: NDArray[np.float64]
    """(n, 2), n >= 3."""

    holes_xy: tuple[NDArray[np.float64], ...] = ()
    """Each (n, 2), n >= 3."""
