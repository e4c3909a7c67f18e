"""What a person types into a ``<TextArea>`` beside the picture.

Submitting a text sends every classification of the picture (choices, texts) and none of the prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sam_backend.label_studio.labeling_config import LabelingConfig

HELP_TEXT = (
    "click on the object; Alt-click on what doesn't belong to it; hold Ctrl, too, in an accepted mask; click the same "
    "spot again to go from the whole to a part and a sub-part; a click elsewhere begins a new object."
)

_ASK_FOR_HELP = ("help", "?")


@dataclass(frozen=True, slots=True)
class TypedText:
    """The text that was submitted last."""

    text: str

    to_name: str
    """The picture's name in the labeling config."""

    asks_for_help: bool
    """The one command there is; what it says can also be done with the mouse."""

    is_for_us: bool
    """Whether it was typed where only commands belong; elsewhere what is no command is the annotator's own text."""


def parse_typed_text(items: Sequence[dict[str, Any]], config: LabelingConfig) -> TypedText | None:
    """Read the text among the items of ``context.result``; None if there is none.

    The command bar's comes first, then the last. Upper case, blanks and a leading slash don't matter.
    """
    typed = [found for item in items if (found := _typed(item, config)) is not None]
    ours = [found for found in typed if found.is_for_us]
    return next(reversed(ours or typed), None)


def unknown_command(text: str) -> str:
    """The sentence for a text that is no command."""
    return f"{text[:40]!r} is no command, type help; {HELP_TEXT}"


def _typed(item: dict[str, Any], config: LabelingConfig) -> TypedText | None:
    value = item.get("value")
    if item.get("type") != "textarea" or not isinstance(value, dict):
        return None
    texts = value.get("text")
    newest = texts[-1] if isinstance(texts, list) and texts else texts
    to_name = item.get("to_name")
    if not isinstance(newest, str) or not isinstance(to_name, str):
        return None
    words = " ".join(newest.strip().removeprefix("/").lower().split())
    bars = [control.name for control in config.controls if control.is_command_bar]
    return TypedText(newest.strip(), to_name, words in _ASK_FOR_HELP, is_for_us=item.get("from_name") in bars)
