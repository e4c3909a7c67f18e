"""Which label an object gets that nobody named: the one that was chosen, or the only one there is."""

from __future__ import annotations

from sam_backend.errors import OptionsError
from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.output import SHAPES, Output, outputs_of
from sam_backend.label_studio.rectangle_masks import mask_outputs


def choose_label(config: LabelingConfig, to_name: str, chosen: str | None) -> tuple[str | None, tuple[Output, ...]]:
    """A label, and the tags that take an object of it in the picture ``to_name``.

    Args:
        config: of the project.
        to_name: the picture's name in it.
        chosen: a label, or a name that ``predicted_values`` maps to one; None for the only one there is.

    Raises:
        OptionsError: no tag takes such an object, or there are several labels and none was chosen.
        RequestError: a ``model_*`` attribute of a tag makes no sense.
    """
    choices = _choices(config, to_name)
    if chosen is None and len(choices) > 1:
        raise OptionsError(f"the labeling config has several labels for {to_name!r}: give --label with {_any(choices)}")
    if chosen is None and not choices and any(control.labels is None for control in config.controls):
        raise OptionsError(f"the labels for {to_name!r} come with each task's data: give --label with one of them")
    label = chosen if chosen is not None else next(iter(choices), None)
    outputs = outputs_of(config, to_name, label)
    if outputs:
        return label, outputs
    if chosen is not None and choices:
        raise OptionsError(f"no tag of {to_name!r} takes the label {chosen!r}: give --label with {_any(choices)}")
    raise OptionsError(
        f"no tag of {to_name!r} takes an object{'' if chosen is None else f' with the label {chosen!r}'}: add Polygon, "
        "Bitmask or Brush to the labeling config, or BrushLabels with the labels in it"
    )


def _choices(config: LabelingConfig, to_name: str) -> list[str]:
    """The labels that some tag takes; those that get the shape of the object, if any does."""
    listed = {
        label
        for control in config.controls
        if to_name in control.to_names and (control.tag == "labels" or control.tag.removesuffix("labels") in SHAPES)
        for label in control.labels or ()
    }
    taken = sorted(label for label in listed if outputs_of(config, to_name, label))
    return [label for label in taken if mask_outputs(config, to_name, label)] or taken


def _any(choices: list[str]) -> str:
    return " or ".join(repr(choice) for choice in choices)
