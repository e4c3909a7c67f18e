"""Requests as typed values, and the way to them from JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from sam_backend.errors import RequestError
from sam_backend.geo.one_window import MapPrompts
from sam_backend.geo.protocol.fields import Fields
from sam_backend.geo.protocol.kinds import PATH, TEXT, Kind, choice_of, flag, numbers
from sam_backend.geo.protocol.options import AUTOMATIC, PROMPTS, READING, RESULTS, result_options, run_request
from sam_backend.geo.protocol.paths import FindPath, any_path
from sam_backend.geo.protocol.view import View, take_view
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.whole_run import RunJob, Start


@dataclass(frozen=True, slots=True)
class Hello:
    """Who is there?"""


@dataclass(frozen=True, slots=True)
class Refilter:
    """Write the objects of a run anew."""

    journal: Path
    output: Path
    results: ResultOptions


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRequest:
    """Segment one object in a view."""

    view: View
    prompts: MapPrompts

    name: str | None
    """The client's name for the object, under which its last mask is kept."""

    refines: bool
    """Whether that mask goes back in."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefetch:
    """Look at a view before anybody clicks in it."""

    view: View


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop another request."""

    target: str


Request: TypeAlias = Hello | RunJob | Refilter | ObjectRequest | Prefetch | Cancel


def parse_request(record: object, find_path: FindPath = any_path) -> Request:
    """Read a request, all but its ``id``.

    Args:
        record: what JSON gave.
        find_path: what paths mean; asked for each field that holds one.

    Raises:
        RequestError: it can't be understood; the message names the field.
        OptionsError: a value makes no sense.
        SamBackendError: what ``find_path`` raises.
    """
    if not isinstance(record, dict):
        raise RequestError(f"a request is a JSON object, got {type(record).__name__}: send one with the field op")
    operation = record.get("op")
    if not isinstance(operation, str) or operation not in _OPERATIONS:
        raise RequestError(f"the op {operation!r:.60} isn't known: give one of {', '.join(_OPERATIONS)}")
    fields = Fields(operation, {name: value for name, value in record.items() if name not in ("op", "id")}, find_path)
    request = _OPERATIONS[operation](fields)
    return request


def _hello(fields: Fields) -> Hello:
    fields.end()
    return Hello()


def _run(fields: Fields) -> RunJob:
    raster, output, journal = (
        fields.needed("raster", PATH),
        fields.needed("output", PATH),
        fields.optional("journal", PATH),
    )
    told = fields.told((*PROMPTS, *READING, *AUTOMATIC))
    results, start, heals = fields.told(RESULTS), fields.optional("start", _START), fields.flag("heal", usual=True)
    fields.end()
    return RunJob(
        request=run_request(raster, output, journal, told),
        output=output,
        results=result_options(results),
        start=start or Start.AUTO,
        heals=heals,
    )


def _refilter(fields: Fields) -> Refilter:
    journal, output = fields.needed("journal", PATH), fields.needed("output", PATH)
    results = fields.told(RESULTS)
    fields.end()
    return Refilter(journal, output, result_options(results))


def _object(fields: Fields) -> ObjectRequest:
    view, prompts = take_view(fields), _prompts(fields)
    name, refines = fields.optional("object", TEXT), fields.flag("refine", usual=False)
    fields.end()
    if refines and name is None:
        raise RequestError("refine came without object: give the object the name that it had in the request before")
    return ObjectRequest(view, prompts, name, refines)


def _prompts(fields: Fields) -> MapPrompts:
    points = fields.optional("points_xy", _POINTS) or []
    labels = fields.optional("is_foreground", _LABELS) or []
    box = fields.optional("box_xyxy", _BOX)
    if len(labels) != len(points):
        raise RequestError(
            f"is_foreground has {len(labels)} values for {len(points)} points in points_xy: give one for each"
        )
    return MapPrompts(
        points_xy=np.array(points, np.float64).reshape(-1, 2),
        is_foreground=np.array(labels, np.bool_),
        box_xyxy=None if box is None else np.array(box, np.float64),
    )


def _prefetch(fields: Fields) -> Prefetch:
    view = take_view(fields)
    fields.end()
    return Prefetch(view)


def _cancel(fields: Fields) -> Cancel:
    target = fields.needed("target", TEXT)
    fields.end()
    return Cancel(target)


_OPERATIONS: dict[str, Callable[[Fields], Request]] = {
    "hello": _hello,
    "run": _run,
    "refilter": _refilter,
    "object": _object,
    "prefetch": _prefetch,
    "cancel": _cancel,
}
_START = choice_of(Start)


def _list_of(read: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def read_all(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError
        return [read(one) for one in value]

    return read_all


def _only_json(wanted: str, from_json: Callable[[Any], Any]) -> Kind:
    return Kind(wanted, from_json, from_json)


_POINTS = _only_json("a list of [x, y] in map coordinates", _list_of(lambda one: numbers(one, 2)))
_LABELS = _only_json("a list of true (on the object) and false (beside it)", _list_of(flag))
_BOX = _only_json("four map coordinates, [x0, y0, x1, y1]", lambda value: numbers(value, 4))
