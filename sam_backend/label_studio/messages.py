"""Sentences for the person at the editor: Label Studio shows no error of a backend, but it shows a ``<TextArea>``."""

from __future__ import annotations

from typing import Any

from sam_backend.label_studio.labeling_config import Control, LabelingConfig
from sam_backend.label_studio.region_id import new_region_id


def message_region(text: str, control: Control, to_name: str, region_id: str | None = None) -> dict[str, Any]:
    """Make the region that puts ``text`` into ``control``, a ``<TextArea>`` of ``to_name``."""
    return {
        "id": region_id or new_region_id(),
        "from_name": control.name,
        "to_name": to_name,
        "type": control.tag,
        "value": {"text": [text]},
        "readonly": False,
        "origin": "prediction",
    }


def message_result(text: str, config: LabelingConfig, to_name: str | None) -> dict[str, Any] | None:
    """Make an entry of ``results`` that shows ``text`` and no object; None if the config has no place to show it in.

    Args:
        text: one sentence.
        config: of the project.
        to_name: the picture it is about; None, or one that no ``<TextArea>`` is beside, if that isn't known.
    """
    control = config.message_control(to_name) or config.message_control(None)
    if control is None:
        return None
    its_to_name = to_name if to_name in control.to_names else control.to_names[0]
    return {"result": [message_region(text, control, its_to_name)]}
