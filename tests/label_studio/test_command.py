from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.label_studio.command import HELP_TEXT, TypedText, parse_typed_text, unknown_command
from sam_backend.label_studio.labeling_config import parse_labeling_config

CONFIG = parse_labeling_config(
    '<View><TextArea name="caption" toName="image"/><TextArea name="sam" toName="image"/></View>'
)


def _text(*texts: object, from_name: object = "sam", **item: object) -> dict[str, Any]:
    """As the editor sends it: the newest text last."""
    return {"type": "textarea", "from_name": from_name, "to_name": "image", "value": {"text": list(texts)}, **item}


def _typed(*items: dict[str, Any]) -> TypedText | None:
    return parse_typed_text(items, CONFIG)


@pytest.mark.parametrize(
    ("text", "asks_for_help"),
    [
        ("help", True),
        ("?", True),
        (" HELP ", True),
        ("/help", True),
        ("help me", False),
        ("red circle", False),
        ("", False),
    ],
)
def test_text_is_read_as_a_command(text: str, asks_for_help: bool) -> None:
    assert _typed(_text(text)) == TypedText(text.strip(), "image", asks_for_help, is_for_us=True)


def test_newest_text_counts_and_choices_beside_it_do_not() -> None:
    choices = {"type": "choices", "to_name": "image", "from_name": "c", "value": {"choices": ["part"]}}
    found = _typed(choices, _text("whole", "help"), choices)
    assert found is not None
    assert found.asks_for_help


def test_command_bar_comes_before_a_caption_and_a_caption_is_the_annotators_own() -> None:
    caption = _text("a red car", from_name="caption")
    assert _typed(_text("part"), caption) == TypedText("part", "image", asks_for_help=False, is_for_us=True)
    assert _typed(caption) == TypedText("a red car", "image", asks_for_help=False, is_for_us=False)


@pytest.mark.parametrize(
    "item",
    [
        {},
        _text("help", type="choices"),
        _text("help", value=None),
        _text("help", value={"text": []}),
        _text("help", value={"text": None}),
        _text(7),
        _text("help", to_name=None),
    ],
    ids=["empty", "choices", "no value", "no text", "text null", "number", "no picture"],
)
def test_what_is_no_text_is_passed_over(item: dict[str, Any]) -> None:
    assert _typed(item) is None


def test_single_text_needs_no_list() -> None:
    found = _typed(_text(value={"text": "whole"}, from_name=["odd"]))
    assert found == TypedText("whole", "image", asks_for_help=False, is_for_us=False)


@given(st.text())
def test_no_text_is_a_fault_and_the_answer_is_short(text: str) -> None:
    assert _typed(_text(text)) is not None
    assert len(unknown_command(text)) < len(HELP_TEXT) + 450  # 40 characters, each escaped at most
