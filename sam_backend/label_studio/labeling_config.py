"""A project's labeling config (XML): which tags there are, what they point at, which of them can take a mask."""

from __future__ import annotations

from dataclasses import dataclass
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

    def allows(self, label: str) -> bool:
        """Whether a region of this tag may carry ``label``."""
        return self.labels is None or label in self.labels


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

    def brush_output(self, to_name: str, label: str | None) -> Control | None:
        """The first tag that can take a brush mask of ``to_name`` with this label.

        ``<BrushLabels>`` must list the label. An unlabelled ``<Brush>`` takes its label from a ``<Labels>`` palette
        of the same object, or has none.
        """
        fitting = [control for control in self.controls if to_name in control.to_names]
        palettes = [control for control in fitting if control.tag == "labels"]
        for control in fitting:
            if control.tag == "brushlabels" and label is not None and control.allows(label):
                return control
            if control.tag == "brush" and (label is None or any(palette.allows(label) for palette in palettes)):
                return control
        return None


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
        labels=None if from_data else frozenset(_labels(element)),
    )


def _labels(element: Element) -> list[str]:
    """Every label's alias or value: the editor writes the alias into regions where there is one."""
    children = (_attributes(child) for child in element.iter() if isinstance(child.tag, str) and child is not element)
    return [label for child in children if (label := child.get("alias") or child.get("value"))]


def _variable(attributes: dict[str, str]) -> str:
    value = attributes.get("value") or attributes.get("valuelist") or ""
    return value[1:] if value.startswith("$") else ""
