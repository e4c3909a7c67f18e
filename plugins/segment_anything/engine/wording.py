"""Texts for people: English, until the plugin names who translates them. The engines know no QGIS."""

from __future__ import annotations

from typing import Callable


def _as_written(text: str) -> str:
    return text


_translate: Callable[[str], str] = _as_written


def translate_by(translate: Callable[[str], str]) -> None:
    """Say from now on what this makes of each text.

    Args:
        translate: takes the English text, with ``{0}`` where values go, and keeps these.
    """
    global _translate
    _translate = translate


def tr(text: str) -> str:
    """A text in the language of the user.

    Args:
        text: in English; write it out at the call, as translations are collected by reading the source.
    """
    return _translate(text)
