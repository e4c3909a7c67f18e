"""Which tags of a labeling config are answered with, and so which shapes: the config decides, not the caller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sam_backend.label_studio.labeling_config import Control, LabelingConfig
from sam_backend.label_studio.output_options import OutputOptions, parse_output_options

SHAPES = ("polygon", "bitmask", "brush", "vector", "ellipse", "rectangle")
"""In the order in which one is chosen; rectangles last, since most configs have them to prompt with."""


@dataclass(frozen=True, slots=True)
class Output:
    """One tag that takes the object."""

    control: Control

    label: str | None
    """One of the tag's own labels; None for a tag without labels, where the editor adds the one that is picked."""

    options: OutputOptions = field(default_factory=OutputOptions)

    @property
    def shape(self) -> str:
        """One of ``SHAPES``."""
        return _shape(self.control)


def outputs_of(config: LabelingConfig, to_name: str, label: str | None) -> tuple[Output, ...]:
    """Choose the tags that answer a prompt on the picture ``to_name`` with this label; none if no tag can.

    A tag fits if it works on that picture and takes the label: lists it, lists it in the ``predicted_values`` of one
    of its labels, or, being a tag without labels, has a ``<Labels>`` palette beside it that does. Of those that fit,
    all marked ``model_output="true"`` answer, each with its own shape of the one object; if none is marked, the first
    in the order of ``SHAPES``. One that is marked "false" never does.

    Raises:
        RequestError: a ``model_*`` attribute of a chosen tag makes no sense.
    """
    fitting = list(_fitting(config, to_name, label))
    marked = [(control, its_label) for control, its_label in fitting if control.is_output]
    first = sorted(fitting, key=lambda pair: SHAPES.index(_shape(pair[0])))[:1]
    return tuple(
        Output(control, its_label, parse_output_options(control.model_attributes, control.name))
        for control, its_label in marked or first
    )


def _fitting(config: LabelingConfig, to_name: str, label: str | None) -> Iterator[tuple[Control, str | None]]:
    beside = [control for control in config.controls if to_name in control.to_names]
    palettes = [control for control in beside if control.tag == "labels"]
    for control in beside:
        if _shape(control) not in SHAPES or control.is_output is False:
            continue
        if control.tag.endswith("labels"):
            own_label = control.own_label(label)
            if own_label is not None:
                yield control, own_label
        elif label is None or any(palette.own_label(label) is not None for palette in palettes):
            yield control, None


def _shape(control: Control) -> str:
    return control.tag.removesuffix("labels")
