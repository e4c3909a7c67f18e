"""What the ledger is told of a click, in the words of whoever answers it; and what it makes of that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import MaskError
from sam_backend.service.ledger.footprint import Footprint, footprint_of

_PART = re.compile(r"(?P<object>[^-]+)-(?P<output>\d+)-\d+")

_NEEDED = ("id", "type", "from_name", "value", "original_height", "original_width")


@dataclass(frozen=True, slots=True)
class ClickedObject:
    """One object of an answer."""

    region_id: str
    """Of its first region; those of the others derive from it."""

    label: str | None
    """As it was picked in the editor."""

    n_prompts: int
    """Clicks and boxes that pointed at it so far."""

    prompt_ids: tuple[str, ...]
    """Ids of their regions in the editor: what stays behind of them is no object."""

    drawn: int
    """Digest of the prompts in the request. The editor sends a rectangle again when the next one is drawn: where
    nothing has changed, nobody has clicked on the object."""

    is_refined: bool


@dataclass(frozen=True, slots=True)
class AnsweredClick:
    """One answer to one request."""

    project: str | None
    """As requests name it: "<id>.<time of creation>"."""

    task: int | None
    objects: tuple[ClickedObject, ...]
    regions: Sequence[Mapping[str, Any]]
    """Of all objects, as they were answered."""

    model_version: str
    at_s: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What one tag of the labeling config showed of one object: the ledger's unit."""

    project: int
    task: int
    id: str
    """Of its first region."""

    tag: str
    """Name of the output tag."""

    shape: str
    """"brush", "polygon" ..."""

    label: str
    """Empty where there is none."""

    model_version: str
    score: float
    footprint: Footprint
    n_prompts: int
    prompt_ids: tuple[str, ...]
    drawn: int
    is_refined: bool
    at_s: float


def entry_id(region_id: str) -> str:
    """The id of the entry that an answered region belongs to, as `response.regions_of` makes them.

    ``X`` and ``X-0-2`` are parts of ``X``; ``X-1-0`` and ``X-1-2`` parts of what the second tag showed: ``X-1-0``.
    """
    part = _PART.fullmatch(region_id)
    if part is None:
        return region_id
    return part["object"] if part["output"] == "0" else f"{part['object']}-{part['output']}-0"


def project_id(project: str | None) -> int | None:
    """The number in front of "<id>.<time of creation>"."""
    number = (project or "").split(".")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None


def entries_of_click(click: AnsweredClick) -> Iterator[Entry]:
    """What to write of an answer; nothing of one without project or task, such as a test request.

    Raises:
        MaskError: a region can't be read back.
    """
    project = project_id(click.project)
    if project is None or click.task is None:
        return
    objects = {one.region_id: one for one in click.objects}
    for its_id, regions in _by_entry(click.regions).items():
        about = objects[its_id.split("-")[0]]
        yield _entry(
            regions,
            project=project,
            task=click.task,
            id=its_id,
            label=_own_label(regions[0]) or about.label or "",
            model_version=click.model_version,
            n_prompts=about.n_prompts,
            prompt_ids=about.prompt_ids,
            drawn=about.drawn,
            is_refined=about.is_refined,
            at_s=click.at_s,
        )


def _by_entry(regions: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for region in regions:
        lacking = [name for name in _NEEDED if name not in region]
        if lacking:
            raise MaskError(f"a region lacks {', '.join(lacking)}: give regions as Label Studio stores them")
        grouped.setdefault(entry_id(str(region["id"])), []).append(region)
    return grouped


def _entry(regions: Sequence[Mapping[str, Any]], **known: Any) -> Entry:  # noqa: ANN401 - the fields of an Entry
    first = regions[0]
    return Entry(
        tag=str(first["from_name"]),
        shape=str(first["type"]).removesuffix("labels"),
        score=float(first.get("score") or 0.0),
        footprint=footprint_of(regions, (first["original_height"], first["original_width"])),
        **known,
    )


def _own_label(region: Mapping[str, Any]) -> str | None:
    labels = region["value"].get(region["type"])
    return labels[0] if isinstance(labels, list) and labels and isinstance(labels[0], str) else None
