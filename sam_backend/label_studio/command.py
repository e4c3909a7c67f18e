"""What a person types into a ``<TextArea>`` beside the picture: a small command bar.

Submitting a text sends every classification of the picture (choices, texts) and none of the prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sam_backend.label_studio.labeling_config import LabelingConfig


class Command(Enum):
    """What can be asked for; each value is how it is typed."""

    HELP = "help"
    NEW_OBJECT = "new object"
    WHOLE = "whole"
    PART = "part"
    SUB_PART = "sub-part"


HELP_TEXT = (
    "help: this text. new object (or clear): the next click begins a new object. "
    "whole, part, sub-part: which of the three masks of the last click to show."
)

_OTHER_SPELLINGS = {
    "?": Command.HELP,
    "new": Command.NEW_OBJECT,
    "clear": Command.NEW_OBJECT,
    "subpart": Command.SUB_PART,
    "sub part": Command.SUB_PART,
}
_COMMANDS = {command.value: command for command in Command} | _OTHER_SPELLINGS


@dataclass(frozen=True, slots=True)
class TypedText:
    """The text that was submitted last."""

    text: str

    to_name: str
    """The picture's name in the labeling config."""

    command: Command | None
    """None if it is none of them."""

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
    return f"{text[:40]!r} is no command; {HELP_TEXT}"


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
    return TypedText(newest.strip(), to_name, _COMMANDS.get(words), is_for_us=item.get("from_name") in bars)
