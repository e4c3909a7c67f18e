"""Whatever the plugin says to people can be said in their language."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from segment_anything.engine import wording
from segment_anything.engine.engine import EngineError
from segment_anything.engine.http_client import HttpClient

PLUGINS = Path(__file__).parents[2] / "plugins"
PLUGIN = PLUGINS / "segment_anything"
TRANSLATIONS = sorted((PLUGIN / "i18n").glob("*.ts"))
FILES = sorted(PLUGIN.rglob("*.py"))

PROSE = re.compile(r"[A-Za-z]{2,}\W* [a-z]{2,}|[A-Z][a-z]+[.:!?…]")
"""Two words in a row, or one that ends like a sentence."""

NOT_SAID = {
    "color: palette(dark)",  # a style
    "Segment Anything server",  # an id in QGIS's authentication database
}
HEARD = ("No space left", "Temporary failure", "No matching distribution", "MemoryError|", "No module named")
"""Beginnings of what others say in English, by which we know what happened."""

CODE = ("import ", "\nimport")
"""Programs that other Pythons run."""

PLACEHOLDER = re.compile(r"\{\d[^}]*\}")


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(PLUGINS / "translations.py"))


def docstrings(tree: ast.AST) -> set[int]:
    """Ids of the strings that stand alone as statements."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def said_untranslated(tree: ast.AST) -> Iterator[str]:
    passed_over = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            passed_over |= {id(inside) for inside in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over:
            text = node.value
            if PROSE.search(text) and text not in NOT_SAID and not text.startswith((*CODE, *HEARD)):
                yield text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PLUGIN).as_posix())
def test_whatever_is_said_to_people_can_be_translated(file: Path) -> None:
    """A string of prose anywhere but in a call of `tr` is a text that stays English."""
    assert list(said_untranslated(ast.parse(file.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PLUGIN).as_posix())
def test_texts_stand_whole_at_the_call_so_that_they_are_found(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            (text,) = node.args
            assert isinstance(text, ast.Constant), f"line {node.lineno}"


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.name)
def test_a_translation_has_the_texts_of_now(file: Path, tool: dict[str, Any]) -> None:
    assert file.read_text(encoding="utf-8") == tool["updated"](file), "run: python plugins/translations.py"


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.name)
def test_a_translation_keeps_the_places_of_values(file: Path, tool: dict[str, Any]) -> None:
    for text, translation in tool["translated"](file.read_text(encoding="utf-8")).items():
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(translation)), text


def test_what_was_translated_stays_and_what_is_gone_goes(tool: dict[str, Any]) -> None:
    texts = list(tool["texts"]())

    made = tool["ts_of"]("de", {texts[0]: "übersetzt & <da>", "said no more": "weg"})

    assert tool["translated"](made) == {texts[0]: "übersetzt & <da>"}
    assert made.count("unfinished") == len(texts) - 1


def test_errors_of_the_engines_speak_the_language_of_the_plugin() -> None:
    wording.translate_by({"the server {0}": "der Server {0}"}.get)
    try:
        assert wording.tr("the server {0}").format("x") == "der Server x"
    finally:
        wording.translate_by(str)
    with pytest.raises(EngineError, match="the server's URL is 'ftp://x': give one such as"):
        HttpClient("ftp://x", None)
