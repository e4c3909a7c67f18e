"""A project's labeling config (XML): which tags there are, what they point at, which of them can take a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError  # types only; defusedxml parses

from defusedxml.ElementTree import fromstring

from sam_backend.errors import RequestError


@dataclass(frozen=True, slots=True)
class Control:
    """A tag that makes regions or choices, e.g. ``<BrushLabels name="brush" toName="image">``."""

    tag: str
    """In lower case, e.g. "brushlabels"; it is also the ``type`` of its regions."""

    name: str
    """What a region calls ``from_name``."""

    to_names: tuple[str, ...]
    """Names of the objects it works on; what a region calls ``to_name``."""

    labels: frozenset[str] | None
    """The labels a region of it may carry. None where they come from the task's data (``value="$variable"``)."""

    predicted_values: Mapping[str, str] = field(default_factory=dict)
    """Other names of its labels (attribute ``predicted_values`` of ``<Label>``), each to the label it stands for."""

    model_attributes: Mapping[str, str] = field(default_factory=dict)
    """The attributes that begin with ``model_``, which Label Studio leaves to the backend."""

    is_per_region: bool = False
    """Whether it describes a region and not the picture."""

    def own_label(self, label: str | None) -> str | None:
        """What a region of this tag carries for ``label``: itself, or what it is a predicted value of; or nothing."""
        if label is None or self.labels is None or label in self.labels:
            return label
        return self.predicted_values.get(label)

    @property
    def is_output(self) -> bool | None:
        """What ``model_output`` says: answer with this tag, never do, or (None) nothing."""
        return {"true": True, "false": False}.get(self.model_attributes.get("model_output", "").strip().lower())

    @property
    def is_command_bar(self) -> bool:
        """Whether it is a ``<TextArea>`` for nothing but commands: marked ``model_output="true"`` or named "sam"."""
        return self.tag == "textarea" and (self.is_output or (self.is_output is None and self.name == "sam"))


@dataclass(frozen=True, slots=True)
class LabelingConfig:
    """What this service needs of a labeling config. Without a config: no controls, no objects."""

    controls: tuple[Control, ...] = ()
    """In the order of the XML."""

    variables: tuple[tuple[str, str], ...] = ()
    """``(name, key)`` of each picture: key is where the task's ``data`` holds its address."""

    def data_key(self, to_name: str) -> str | None:
        """Where a task's ``data`` holds the picture called ``to_name``; None if the config has no such picture."""
        return dict(self.variables).get(to_name)

    def message_control(self, to_name: str | None) -> Control | None:
        """The ``<TextArea>`` that shows messages about ``to_name``, or about any picture where None is given.

        The command bar if there is one, otherwise the first; never one with ``model_output="false"`` or ``perRegion``.
        """
        fitting = [
            control
            for control in self.controls
            if control.tag == "textarea"
            and not control.is_per_region
            and control.is_output is not False
            and (to_name is None or to_name in control.to_names)
        ]
        bars = [control for control in fitting if control.is_command_bar]
        return next(iter(bars + fitting), None)


def parse_labeling_config(xml: str | None) -> LabelingConfig:
    """Read a labeling config; None or blank gives an empty one.

    Raises:
        RequestError: the text is no well-formed XML, or carries entity declarations.
    """
    if xml is None or not xml.strip():
        return LabelingConfig()
    try:
        root = fromstring(xml)
    except (ParseError, ValueError) as error:
        raise RequestError(
            f"the labeling config is no plain XML ({type(error).__name__}): save it again in the project's settings"
        ) from error
    tags = [(element, _attributes(element)) for element in root.iter() if isinstance(element.tag, str)]
    return LabelingConfig(
        controls=tuple(
            _control(element, attributes)
            for element, attributes in tags
            if attributes.get("name") and attributes.get("toname")
        ),
        variables=tuple(
            (attributes["name"], _variable(attributes))
            for element, attributes in tags
            if element.tag.lower() == "image" and attributes.get("name") and _variable(attributes)
        ),
    )


def _attributes(element: Element) -> dict[str, str]:
    return {key.lower(): value for key, value in element.attrib.items()}


def _control(element: Element, attributes: dict[str, str]) -> Control:
    from_data = attributes.get("value", "").startswith("$")
    return Control(
        tag=element.tag.lower(),
        name=attributes["name"],
        to_names=tuple(name.strip() for name in attributes["toname"].split(",")),
        labels=None if from_data else frozenset(label for label, _ in _labels(element)),
        predicted_values={other: label for label, others in reversed(_labels(element)) for other in others},
        model_attributes={key: value for key, value in attributes.items() if key.startswith("model_")},
        is_per_region=attributes.get("perregion", "").strip().lower() == "true",
    )


def _labels(element: Element) -> list[tuple[str, list[str]]]:
    """Every label's alias or value (the editor writes the alias into regions where there is one), and other names."""
    children = (_attributes(child) for child in element.iter() if isinstance(child.tag, str) and child is not element)
    return [
        (label, [name for text in child.get("predicted_values", "").split(",") if (name := text.strip())])
        for child in children
        if (label := child.get("alias") or child.get("value"))
    ]


def _variable(attributes: dict[str, str]) -> str:
    value = attributes.get("value") or attributes.get("valuelist") or ""
    return value[1:] if value.startswith("$") else ""
