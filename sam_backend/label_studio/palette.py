"""Labels for regions of tags without labels of their own, beside a ``<Labels>`` palette.

The editor labels what a person accepts with what is picked in the palette. A stored prediction has to say so itself: by
a second region of the same id that carries the label, as the editor stores it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sam_backend.label_studio.labeling_config import LabelingConfig


def with_palette_label(
    regions: Sequence[dict[str, Any]], config: LabelingConfig, label: str | None
) -> list[dict[str, Any]]:
    """The regions of one object, each followed by what says its label where its tag can't."""
    labelled: list[dict[str, Any]] = []
    for region in regions:
        labelled.append(region)
        found = _in_palette(config, region, label)
        if found is not None:
            name, its_label = found
            value = {**region["value"], "labels": [its_label]}
            labelled.append({**region, "from_name": name, "type": "labels", "value": value})
    return labelled


def _in_palette(config: LabelingConfig, region: dict[str, Any], label: str | None) -> tuple[str, str] | None:
    """Name of the palette, and what it calls the label; None where the region needs none, or no palette has it."""
    if region["type"].endswith("labels"):
        return None
    for control in config.controls:
        own = control.own_label(label) if control.tag == "labels" and region["to_name"] in control.to_names else None
        if own is not None:
            return control.name, own
    return None
