"""What became of each answer in an annotation. Pure: what was answered and what was submitted in, verdicts out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sam_backend.errors import MaskError
from sam_backend.service.ledger.answered import entry_id
from sam_backend.service.ledger.footprint import Footprint, footprint_of, is_object
from sam_backend.service.ledger.submitted import Submitted

Outcome: TypeAlias = Literal["kept", "edited", "discarded", "by hand"]
"""``kept``: submitted as it was answered last. ``edited``: submitted with another shape. ``discarded``: answered, and
not in the annotation. ``by hand``: in the annotation, and never answered, nor from a prediction."""

_FROM_PREDICTION = frozenset({"prediction", "prediction-changed"})
"""What the editor writes of a region's origin; it writes "manual" of one that was drawn."""

Region: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True, slots=True, eq=False)
class StoredAnswer:
    """An entry of the ledger, as it stood last."""

    id: str
    tag: str
    shape: str
    label: str
    footprint: Footprint | None
    """None once it was too old to be kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one entry, or a region that is none, in one annotation."""

    region: str
    """The entry's id, or the region's."""

    outcome: Outcome
    iou: float | None
    """Of an entry that was edited, with what was answered last; 1 where it was kept; None where nothing tells."""

    tag: str
    shape: str
    label: str
    """As submitted; of what wasn't, as answered."""


def compare(
    submitted: Submitted,
    answers: Sequence[StoredAnswer],
    prompt_ids: Collection[str],
    before: Mapping[str, Verdict],
) -> list[Verdict]:
    """Find out what became of the answers on a task in one annotation of it.

    A region that the editor stores under several tags (of its palettes) is one region. A new label alone is no edit.
    One that comes from a stored prediction has no verdict: the editor gave it a new id, so nothing tells whose it is.

    Args:
        submitted: the annotation.
        answers: of its task, but for those that are in another annotation.
        prompt_ids: of regions that were prompts on the task: those are no objects, whatever they are.
        before: what was found of this annotation before, by region, for answers whose footprint isn't kept any more.
    """
    by_id = _by_id(submitted.regions)
    by_entry: dict[str, list[str]] = {}
    for its_id in by_id:
        by_entry.setdefault(entry_id(its_id), []).append(its_id)
    verdicts = []
    for answer in answers:
        regions = [by_id.pop(its_id) for its_id in by_entry.get(answer.id, ())]
        verdicts.append(_verdict(answer, regions, before.get(answer.id)))
    return verdicts + [
        _by_hand(its_id, regions)
        for its_id, regions in by_id.items()
        if its_id not in prompt_ids and not _is_predicted(regions)
    ]


def _by_id(regions: Sequence[Region]) -> dict[str, list[Region]]:
    """All that is stored under an id, of those that cover anything under at least one tag; ``labels`` come along."""
    grouped: dict[str, list[Region]] = {}
    for region in regions:
        if isinstance(region.get("id"), str):
            grouped.setdefault(region["id"], []).append(region)
    return {its_id: same for its_id, same in grouped.items() if any(_counts(region) for region in same)}


def _is_predicted(regions: Sequence[Region]) -> bool:
    return any(region.get("origin") in _FROM_PREDICTION for region in regions)


def _counts(region: Region) -> bool:
    return is_object(region) and region.get("type") != "labels"


def _verdict(answer: StoredAnswer, parts: Sequence[Sequence[Region]], before: Verdict | None) -> Verdict:
    """Of one answer and the regions of it that were submitted, each under all of its tags."""
    if not parts:
        return Verdict(answer.id, "discarded", None, answer.tag, answer.shape, answer.label)
    drawn = [_of_tag(part, answer.tag) for part in parts]
    outcome, iou = _judged(answer, drawn, before)
    return Verdict(answer.id, outcome, iou, answer.tag, answer.shape, _label(drawn[0], parts[0]) or answer.label)


def _judged(answer: StoredAnswer, drawn: Sequence[Region], before: Verdict | None) -> tuple[Outcome, float | None]:
    """Whether an answer was kept or edited, and its IoU with what was submitted, as far as anything tells."""
    if answer.footprint is None:
        is_known = before is not None and before.outcome in ("kept", "edited")
        return (before.outcome, before.iou) if before is not None and is_known else ("edited", None)
    try:
        footprint = footprint_of(drawn, answer.footprint.image_hw)
    except MaskError:  # of another picture, or damaged: not what was answered in any case
        return "edited", None
    return ("kept", 1.0) if answer.footprint.is_same(footprint) else ("edited", answer.footprint.iou(footprint))


def _by_hand(its_id: str, regions: Sequence[Region]) -> Verdict:
    region = next(region for region in regions if _counts(region))
    shape = str(region.get("type") or "").removesuffix("labels")
    return Verdict(its_id, "by hand", None, str(region.get("from_name") or ""), shape, _label(region, regions) or "")


def _of_tag(regions: Sequence[Region], tag: str) -> Region:
    """The one stored under a tag; the editor stores the same shape under others, too."""
    drawn = [region for region in regions if _counts(region)]
    return next((region for region in drawn if region.get("from_name") == tag), drawn[0])


def _label(region: Region, regions: Sequence[Region]) -> str | None:
    """Its own label, or that of the palette ``<Labels>`` beside it."""
    own = _labels_in(region)
    return own[0] if own else next((labels[0] for one in regions if (labels := _labels_in(one))), None)


def _labels_in(region: Region) -> list[str]:
    value = region.get("value")
    if not isinstance(value, Mapping):
        return []
    for key in (region.get("type"), "labels"):
        labels = value.get(key)
        if isinstance(labels, list) and labels and isinstance(labels[0], str):
            return labels
    return []
