"""What a layer of a map file holds: features with typed attributes, in map coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

Value: TypeAlias = float | int | str | bool | None


class FieldKind(Enum):
    """What an attribute may be; each may also be missing (None)."""

    REAL = "real"
    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Layer:
    """One table of a map file."""

    name: str
    geometry_type: str
    """MultiPolygon or MultiLineString: simple geometries become ones of a single part."""

    fields: Mapping[str, FieldKind]
    """By name, in the order of the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One row."""

    geometry: shapely.Geometry
    """In map coordinates."""

    properties: Mapping[str, Value]
    """Those of the layer's fields that are known."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Features of a layer side by side, as GDAL takes them."""

    wkb: NDArray[np.object_]
    """(n,)."""

    values: list[NDArray[Any]]
    """One (n,) for each field."""

    is_missing: list[NDArray[np.bool_]]
    """One (n,) for each field."""


_EMPTY: dict[FieldKind, tuple[type, Any]] = {
    FieldKind.REAL: (np.float64, 0.0),
    FieldKind.INTEGER: (np.int64, 0),
    FieldKind.TEXT: (np.object_, ""),
    FieldKind.FLAG: (np.bool_, False),
}
"""The type of a column and what stands where a value is missing."""


def as_columns(layer: Layer, features: Sequence[Feature]) -> Columns:
    """Turn rows into columns; not-a-number counts as missing."""
    rows = [[feature.properties.get(name) for feature in features] for name in layer.fields]
    is_missing = [np.array([_is_missing(value) for value in row], np.bool_) for row in rows]
    geometries = np.array([feature.geometry for feature in features], np.object_)
    return Columns(
        wkb=shapely.to_wkb(geometries),
        values=[_column(kind, row) for kind, row in zip(layer.fields.values(), rows, strict=True)],
        is_missing=is_missing,
    )


def _column(kind: FieldKind, row: Sequence[Value]) -> NDArray[Any]:
    dtype, empty = _EMPTY[kind]
    return np.array([empty if _is_missing(value) else value for value in row], dtype)


def _is_missing(value: Value) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
