"""The attributes of the features that asked for objects, carried over to the objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sam_backend.geo.layers import FieldKind, Layer, Value
from sam_backend.geo.run.journal import JournalledPrompt

FEATURE_ID = "prompt_id"
PREFIX = "prompt_"
"""Before the names of the prompts' own fields, so that they never meet the objects'."""


@dataclass(frozen=True, slots=True)
class PromptFields:
    """Which fields the layer of prompts has, and their values by feature."""

    fields: Mapping[str, FieldKind]
    """By the names that they get; empty where nothing was prompted."""

    names: Mapping[str, str]
    """The names that they get, by the layer's own."""

    attributes: Mapping[int, Mapping[str, Any]]
    """By feature id, under the layer's own names."""

    @classmethod
    def of(cls, prompts: Sequence[JournalledPrompt]) -> PromptFields:
        """Of what the journal says of them."""
        attributes = {one.feature_id: one.attributes for one in prompts}
        names = _carried_names(dict.fromkeys(name for one in attributes.values() for name in one))
        kinds = {given: _kind([one.get(own) for one in attributes.values()]) for own, given in names.items()}
        fields = {FEATURE_ID: FieldKind.INTEGER} | kinds
        return cls(fields if prompts else {}, names, attributes)

    def added_to(self, layer: Layer) -> Layer:
        """The layer with these fields behind its own."""
        return replace(layer, fields={**layer.fields, **self.fields})

    def properties(self, feature_id: int | None) -> dict[str, Value]:
        """What an object that was asked for by a feature carries of it."""
        if feature_id is None:
            return {}
        carried = {self.names[own]: value for own, value in self.attributes.get(feature_id, {}).items()}
        as_kept = {given: _as(self.fields[given], value) for given, value in carried.items()}
        return {FEATURE_ID: feature_id, **as_kept}


def _carried_names(own: Collection[str]) -> dict[str, str]:
    """What each of the layer's fields is to be called, no two alike to SQLite, which doesn't tell ID from id."""
    plain = {(PREFIX + name).casefold() for name in own}
    taken, given = {FEATURE_ID}, dict[str, str]()
    for name in own:
        wanted = PREFIX + name
        if wanted.casefold() in taken:
            numbered = (f"{wanted}_{number}" for number in count(1))
            wanted = next(one for one in numbered if one.casefold() not in taken | plain)
        given[name] = wanted
        taken.add(wanted.casefold())
    return given


def _kind(values: Sequence[object]) -> FieldKind:
    """The narrowest kind that all values fit."""
    known = [value for value in values if value is not None]
    for kind, types in ((FieldKind.FLAG, bool), (FieldKind.INTEGER, int), (FieldKind.REAL, (int, float))):
        if known and all(
            isinstance(value, types) and (kind is FieldKind.FLAG) >= isinstance(value, bool) for value in known
        ):
            return kind
    return FieldKind.TEXT


def _as(kind: FieldKind, value: Any) -> Value:  # noqa: ANN401 - any value of JSON
    if value is None or kind is not FieldKind.TEXT:
        known: Value = value
        return known
    return value if isinstance(value, str) else str(value)
