"""The kinds of values that options have, read from JSON and from words of a command line alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be. Both readers raise ValueError for anything else."""

    wanted: str
    """Ends the sentence "it must be"."""

    from_json: Callable[[Any], Any]
    from_text: Callable[[str], Any]


def whole_number(value: object) -> int:
    """An integer, 3.0 included: JSON knows no difference."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise ValueError
    return int(value)


def number(value: object) -> float:
    """Any finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def numbers(value: object, count: int) -> tuple[float, ...]:
    """So many finite numbers."""
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError
    return tuple(number(one) for one in value)


def text(value: object) -> str:
    """Words that aren't empty."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError
    return value


def flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError
    return value


def _whole_numbers(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError
    return tuple(whole_number(one) for one in value)


def _two_numbers(value: object) -> tuple[float, ...]:
    return numbers(value, 2)


def _split(words: str) -> list[float]:
    return [float(word) for word in words.split(",")]


def _no_words(words: str) -> bool:
    raise ValueError  # a flag of a command line takes none


WHOLE = Kind("a whole number", whole_number, int)
NUMBER = Kind("a number", number, lambda words: number(float(words)))
TEXT = Kind("text", text, text)
FLAG = Kind("true or false", flag, _no_words)
WHOLE_NUMBERS = Kind(
    "whole numbers with commas between them", _whole_numbers, lambda words: _whole_numbers(_split(words))
)
TWO_NUMBERS = Kind("two numbers with a comma between them", _two_numbers, lambda words: _two_numbers(_split(words)))
PATH = Kind("the path of a file", lambda value: Path(text(value)), lambda words: Path(text(words)))


def choice_of(values: type[Enum] | tuple[str, ...]) -> Kind:
    """One of some names: the values of an enumeration, or plain text."""
    choices: dict[str, Any] = (
        {name: name for name in values} if isinstance(values, tuple) else {one.value: one for one in values}
    )

    def read(value: object) -> Any:  # noqa: ANN401 - whatever the name stands for
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return choices[value]

    *others, last = choices
    return Kind(f"{', '.join(others)} or {last}", read, read)
