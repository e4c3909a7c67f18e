"""Which object a prompt is about. Pure: the last object and the new prompts in, a decision out.

The editor sends key points and rectangles apart, and with auto-accept it drops each prompt once it is answered. So one
object's prompts come in several requests that share nothing but their place:

- A request that repeats a prompt's id goes on with that object. Its prompts take the place of those of the same type
  that were sent last (the editor's list is the truth), and the other type's are remembered.
- A rectangle around the clicks of an object without one joins them.
- A click inside the last mask, or within 1 % of the picture's long side of it and in no other known region, refines
  it; so does one inside its rectangle. Label Studio replaces a region whose id comes again.
- A second click within 5 px of an earlier one steps on: whole, part, sub-part, by falling area.
- Everything else starts a new object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.frame import percent_to_image_xy
from sam_backend.label_studio.smart_prompt import SmartPrompt
from sam_backend.masks.rle_coco import CocoRle, decode_coco_rle, encode_coco_rle
from sam_backend.types import Prompts

SAME_SPOT_PX = 5.0
"""In image px: a click no farther from an earlier one is meant as a repetition of it."""

NEAR = 0.01
"""Of the long side: how far outside of a mask or a rectangle a click still belongs to it."""

_EARLIER_KEPT = 16


@dataclass(frozen=True, slots=True)
class Click:
    """A key point, in image px."""

    x_px: float
    y_px: float
    is_foreground: bool
    """False where Alt was held: "not this"."""

    item_id: str | None = None
    """Of its region in the editor."""


@dataclass(frozen=True, slots=True)
class Box:
    """The upright box around a rectangle, in image px."""

    xyxy: tuple[float, float, float, float]

    item_id: str | None = None
    """Of its region in the editor."""

    def holds(self, click: Click, margin_px: float) -> bool:
        """Whether the click lies in it, or at most ``margin_px`` beside it."""
        left, top, right, bottom = self.xyxy
        is_beside = left - margin_px <= click.x_px <= right + margin_px
        return is_beside and top - margin_px <= click.y_px <= bottom + margin_px


@dataclass(frozen=True, slots=True)
class Drawn:
    """What points at one object: in one request, or in all requests about it."""

    clicks: tuple[Click, ...] = ()
    """Oldest first."""

    box: Box | None = None

    @property
    def item_ids(self) -> frozenset[str]:
        """Ids of the prompts' regions in the editor."""
        ids = [click.item_id for click in self.clicks] + [self.box.item_id if self.box else None]
        return frozenset(one for one in ids if one is not None)

    @property
    def names_an_object(self) -> bool:
        """Whether anything in it says "this"."""
        return self.box is not None or any(click.is_foreground for click in self.clicks)


@dataclass(frozen=True, slots=True, eq=False)
class LastObject:
    """The object that a person was busy with, as it was answered."""

    region_id: str
    drawn: Drawn
    """All that pointed at it so far."""

    n_settled: int
    """How many of its clicks, from the first on, the editor no longer sends: the answers to them were accepted."""

    mask_rle: CocoRle
    """The answer, in image px."""

    logits: NDArray[np.float32]
    """(low_res, low_res) of the whole picture, to start the next answer from."""

    earlier_rles: tuple[CocoRle, ...] = ()
    """Newest first: objects that were answered before this one; drafts lag 5 s behind the screen."""

    @property
    def all_region_ids(self) -> frozenset[str]:
        """Ids of the regions in the editor that it may have left in a draft: its own and its prompts'."""
        return self.drawn.item_ids | {self.region_id}


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What to segment, and under which id to answer."""

    region_id: str | None
    """The last object's id, to replace it. None for a new object."""

    drawn: Drawn
    n_settled: int
    step: int
    """How often the same spot was clicked again: which reading is wanted; 0 for the best."""

    mask_logits: NDArray[np.float32] | None
    """Of the last answer, if the new prompts only add to the old ones."""

    def to_prompts(self) -> Prompts | None:
        """In image px, repetitions left out; None if nothing says "this"."""
        if not self.drawn.names_an_object:
            return None
        clicks = _without_repetitions(self.drawn.clicks)
        return Prompts.of(
            points=[(click.x_px, click.y_px, click.is_foreground) for click in clicks],
            box_xyxy=None if self.drawn.box is None else self.drawn.box.xyxy,
            mask_logits=self.mask_logits,
        )


def drawn_of(prompt: SmartPrompt, image_hw: tuple[int, int]) -> Drawn:
    """What a request drew, in image px of a picture of this size; what lies outside is moved to the edge."""
    points_pct = np.array([(point.x_pct, point.y_pct) for point in prompt.points]).reshape(-1, 2).clip(0, 100)
    points_xy = percent_to_image_xy(points_pct, image_hw).tolist()
    usable = prompt.to_prompts(image_hw)
    box: Box | None = None
    if usable is not None and usable.box_xyxy is not None and prompt.rectangle is not None:
        left, top, right, bottom = usable.box_xyxy.tolist()
        box = Box((left, top, right, bottom), prompt.rectangle.item_id)
    clicks = (
        Click(x_px, y_px, point.is_foreground, point.item_id)
        for (x_px, y_px), point in zip(points_xy, prompt.points, strict=True)
    )
    return Drawn(tuple(clicks), box)


def decide(last: LastObject | None, new: Drawn, is_known: Callable[[Click], bool]) -> Decision:
    """Find out which object the new prompts are about.

    Args:
        last: the object this person was busy with, on this very picture; None if there is none.
        new: what the request brings.
        is_known: whether a click lies in a region other than the last object's, as drafts tell.
    """
    if last is None:
        return _new_object(new)
    if last.drawn.item_ids & new.item_ids:
        return _go_on(last, new)
    if _is_about(last, new, is_known):
        return _add(last, new)
    return _new_object(new)


def wanted_reading(logits: NDArray[np.float32], predicted_iou: NDArray[np.float32], step: int) -> int:
    """Index of the mask to show: the best at first, then with each step the next smaller one, and round again.

    Empty ones are passed over.

    Args:
        logits: (n, h, w), at any size. Object where > 0.
        predicted_iou: (n,).
        step: how often somebody clicked on the same spot again.
    """
    best = int(np.argmax(predicted_iou))
    if step == 0:
        return best
    areas = np.count_nonzero(logits > 0, axis=(1, 2))
    falling = [index for index in np.argsort(-areas, kind="stable").tolist() if areas[index] or index == best]
    wanted: int = falling[(falling.index(best) + step) % len(falling)]
    return wanted


def answered(
    decision: Decision, last: LastObject | None, region_id: str, mask: NDArray[np.bool_], logits: NDArray[np.float32]
) -> LastObject:
    """The object as it stands now, for the next decision."""
    earlier: tuple[CocoRle, ...] = ()
    if last is not None:
        earlier = last.earlier_rles if decision.region_id is not None else (last.mask_rle, *last.earlier_rles)
    rle = encode_coco_rle(mask)
    return LastObject(region_id, decision.drawn, decision.n_settled, rle, logits, earlier[:_EARLIER_KEPT])


def lies_in(mask: NDArray[np.bool_], click: Click, margin_px: float = 0.0) -> bool:
    """Whether a click lies in a mask (h, w), or at most ``margin_px`` beside it."""
    height, width = mask.shape
    column, row = (min(max(int(place), 0), side - 1) for place, side in ((click.x_px, width), (click.y_px, height)))
    if mask[row, column]:
        return True
    reach = int(np.ceil(margin_px)) + 1
    top, left = max(0, row - reach), max(0, column - reach)
    rows, columns = np.nonzero(mask[top : row + reach + 1, left : column + reach + 1])
    apart_px = np.hypot(_beside_px(columns + left, click.x_px), _beside_px(rows + top, click.y_px))
    return bool((apart_px <= margin_px).any())


def _beside_px(pixels: NDArray[np.int64], place_px: float) -> NDArray[np.float64]:
    """How far a place on an axis is from each pixel's own stretch of it: 0 within it."""
    beside: NDArray[np.float64] = np.maximum(np.maximum(pixels - place_px, place_px - (pixels + 1)), 0)
    return beside


def _new_object(new: Drawn) -> Decision:
    return Decision(None, new, n_settled=0, step=_step(new.clicks), mask_logits=None)


def _go_on(last: LastObject, new: Drawn) -> Decision:
    """The editor still shows the prompts of the last answer, and now perhaps more, fewer or others of their type."""
    settled, sent = last.drawn.clicks[: last.n_settled], last.drawn.clicks[last.n_settled :]
    clicks = settled + new.clicks if new.clicks else last.drawn.clicks
    adds_only = (not new.clicks or new.clicks[: len(sent)] == sent) and new.box in (None, last.drawn.box)
    return _same_object(last, Drawn(clicks, new.box or last.drawn.box), last.n_settled, adds_only=adds_only)


def _add(last: LastObject, new: Drawn) -> Decision:
    """Prompts that the editor sends by themselves, because it dropped the earlier ones or never sends both types."""
    n_settled = len(last.drawn.clicks) if new.clicks else last.n_settled
    drawn = Drawn(last.drawn.clicks + new.clicks, new.box or last.drawn.box)
    return _same_object(last, drawn, n_settled, adds_only=True)


def _same_object(last: LastObject, drawn: Drawn, n_settled: int, *, adds_only: bool) -> Decision:
    step = _step(drawn.clicks)
    return Decision(
        region_id=last.region_id,
        drawn=drawn,
        n_settled=n_settled,
        step=step,
        mask_logits=last.logits if adds_only and step == 0 else None,
    )


def _is_about(last: LastObject, new: Drawn, is_known: Callable[[Click], bool]) -> bool:
    margin_px = NEAR * max(last.mask_rle["size"])
    if new.box is not None:
        meant = [click for click in last.drawn.clicks if click.is_foreground]
        return last.drawn.box is None and bool(meant) and all(new.box.holds(click, margin_px) for click in meant)
    if not new.clicks:
        return False
    newest, mask = new.clicks[-1], decode_coco_rle(last.mask_rle)
    if lies_in(mask, newest) or (newest.is_foreground and _repeats(newest, last.drawn.clicks)):
        return True
    is_near = lies_in(mask, newest, margin_px)
    is_in_box = last.drawn.box is not None and last.drawn.box.holds(newest, margin_px)
    return (is_near or is_in_box) and not _is_elsewhere(last, newest, is_known)


def _is_elsewhere(last: LastObject, click: Click, is_known: Callable[[Click], bool]) -> bool:
    return is_known(click) or any(lies_in(decode_coco_rle(rle), click) for rle in last.earlier_rles)


def _repeats(click: Click, earlier: Iterable[Click]) -> bool:
    return any(
        one.is_foreground and np.hypot(one.x_px - click.x_px, one.y_px - click.y_px) <= SAME_SPOT_PX for one in earlier
    )


def _without_repetitions(clicks: Sequence[Click]) -> list[Click]:
    kept: list[Click] = []
    for click in clicks:
        if not (click.is_foreground and _repeats(click, kept)):
            kept.append(click)
    return kept


def _step(clicks: Sequence[Click]) -> int:
    """How many of the last clicks in a row repeat one before them."""
    kept = {id(click) for click in _without_repetitions(clicks)}
    step = 0
    for click in reversed(clicks):
        if id(click) in kept:
            return step
        step += 1
    return step
