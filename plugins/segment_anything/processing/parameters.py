"""Parameters of algorithms that are fields of a request: each knows its widget, its help and its field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
)

from ..engine.engine import Fields

ANY_FILE = "(*)"
"""QGIS's own filter refuses names without a dot."""


class Parameter(Protocol):
    """One that stands for a field, or for a part of one."""

    field: str
    """Of the request."""

    def definition(self) -> QgsProcessingParameterDefinition:
        """For QGIS to own."""
        ...

    def value(self, algorithm: QgsProcessingAlgorithm, given: Fields, context: QgsProcessingContext) -> Any:  # noqa: ANN401
        """As the request wants it; None: leave the field out."""
        ...


@dataclass(frozen=True)
class Number:
    """A whole number or a real one."""

    name: str
    field: str
    label: str
    """With its unit."""

    help: str
    default: float | None
    """None: the backend's own."""

    least: float
    most: float
    is_whole: bool = False
    is_advanced: bool = True

    def definition(self) -> QgsProcessingParameterDefinition:
        """See `Parameter`."""
        kinds = QgsProcessingParameterNumber.Type
        kind = kinds.Integer if self.is_whole else kinds.Double
        made = QgsProcessingParameterNumber(
            self.name, self.label, kind, self.default, self.default is None, self.least, self.most
        )
        return finished(made, self.help, self.is_advanced)

    def value(self, algorithm: QgsProcessingAlgorithm, given: Fields, context: QgsProcessingContext) -> Any:  # noqa: ANN401
        """See `Parameter`."""
        if self.default is None and given.get(self.name) in (None, ""):
            return None
        read = algorithm.parameterAsInt if self.is_whole else algorithm.parameterAsDouble
        return read(given, self.name, context)


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    name: str
    field: str
    label: str
    help: str
    options: Sequence[tuple[str | None, str]]
    """The value in the request and its text."""

    is_advanced: bool = True

    def definition(self) -> QgsProcessingParameterDefinition:
        """See `Parameter`."""
        made = QgsProcessingParameterEnum(self.name, self.label, [text for _, text in self.options], False, 0)
        return finished(made, self.help, self.is_advanced)

    def value(self, algorithm: QgsProcessingAlgorithm, given: Fields, context: QgsProcessingContext) -> Any:  # noqa: ANN401
        """See `Parameter`."""
        return self.options[algorithm.parameterAsEnum(given, self.name, context)][0]


@dataclass(frozen=True)
class Switch:
    """Yes or no."""

    name: str
    field: str
    label: str
    help: str
    default: bool
    is_advanced: bool = True

    def definition(self) -> QgsProcessingParameterDefinition:
        """See `Parameter`."""
        return finished(QgsProcessingParameterBoolean(self.name, self.label, self.default), self.help, self.is_advanced)

    def value(self, algorithm: QgsProcessingAlgorithm, given: Fields, context: QgsProcessingContext) -> Any:  # noqa: ANN401
        """See `Parameter`."""
        return algorithm.parameterAsBoolean(given, self.name, context)


@dataclass(frozen=True)
class Bands:
    """Up to three bands of a raster, in an order."""

    name: str
    field: str
    label: str
    help: str
    raster: str
    """The parameter whose bands they are."""

    is_advanced: bool = False

    def definition(self) -> QgsProcessingParameterDefinition:
        """See `Parameter`."""
        made = QgsProcessingParameterBand(self.name, self.label, None, self.raster, True, True)
        return finished(made, self.help, self.is_advanced)

    def value(self, algorithm: QgsProcessingAlgorithm, given: Fields, context: QgsProcessingContext) -> Any:  # noqa: ANN401
        """See `Parameter`."""
        if given.get(self.name) in (None, "", []):
            return None
        return algorithm.parameterAsInts(given, self.name, context) or None


def finished(
    definition: QgsProcessingParameterDefinition, help_text: str, is_advanced: bool
) -> QgsProcessingParameterDefinition:
    """A definition with its help, under "Advanced" or not."""
    definition.setHelp(help_text)
    if is_advanced:
        definition.setFlags(definition.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return definition


def fields_of(
    parameters: Iterable[Parameter],
    algorithm: QgsProcessingAlgorithm,
    given: Fields,
    context: QgsProcessingContext,
) -> Fields:
    """Read all; parameters of the same field become a list of their values in order."""
    read: dict[str, list[Any]] = {}
    for parameter in parameters:
        read.setdefault(parameter.field, []).append(parameter.value(algorithm, given, context))
    return {field: values[0] if len(values) == 1 else values for field, values in read.items()}
