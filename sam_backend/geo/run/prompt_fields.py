"""The attributes of the features that asked for objects, carried over to the objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    attributes: Mapping[int, Mapping[str, Any]]

    @classmethod
    def of(cls, prompts: Sequence[JournalledPrompt]) -> PromptFields:
        """Of what the journal says of them."""
        attributes = {one.feature_id: one.attributes for one in prompts}
        names = dict.fromkeys(name for one in attributes.values() for name in one)
        kinds = {name: _kind([one.get(name) for one in attributes.values()]) for name in names}
        fields = {FEATURE_ID: FieldKind.INTEGER} | {PREFIX + name: kind for name, kind in kinds.items()}
        return cls(fields if prompts else {}, attributes)

    def added_to(self, layer: Layer) -> Layer:
        """The layer with these fields behind its own."""
        return replace(layer, fields={**layer.fields, **self.fields})

    def properties(self, feature_id: int | None) -> dict[str, Value]:
        """What an object that was asked for by a feature carries of it."""
        if feature_id is None:
            return {}
        carried = {PREFIX + name: value for name, value in self.attributes.get(feature_id, {}).items()}
        as_kept = {name: _as(self.fields[name], value) for name, value in carried.items()}
        return {FEATURE_ID: feature_id, **as_kept}


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
