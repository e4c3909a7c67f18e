"""Collect the plugin's texts into its translations: ``python plugins/translations.py [FILE.ts ...]``.

Qt's own tools don't fit: `lupdate` of Qt 5 reads no Python, and `pylupdate5` files texts under the names of classes,
where ours are all under one (see ``text.py``). What was translated stays; texts that are gone go. `lrelease` makes of
each file the one that QGIS reads.
"""

from __future__ import annotations

import argparse
import ast
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

PLUGIN = Path(__file__).with_name("segment_anything")
FOLDER = PLUGIN / "i18n"
CONTEXT = "SegmentAnything"


def texts() -> dict[str, list[str]]:
    """Every text that the plugin says, sorted, and the files that say it."""
    found: dict[str, list[str]] = {}
    for file in sorted(PLUGIN.rglob("*.py")):
        for text in _texts_of(ast.parse(file.read_text(encoding="utf-8"))):
            places = found.setdefault(text, [])
            place = file.relative_to(PLUGIN).as_posix()
            if place not in places:
                places.append(place)
    return dict(sorted(found.items()))


def translated(ts: str) -> dict[str, str]:
    """The translations in the content of a file."""
    messages = ET.fromstring(ts).iter("message")  # noqa: S314 - our own file
    return {m.findtext("source", ""): m.findtext("translation", "") for m in messages if m.findtext("translation")}


def ts_of(language: str, known: dict[str, str]) -> str:
    """The content of a file of translations.

    Args:
        language: such as ``de``.
        known: translations by text; those of texts that nobody says any more are left out.
    """
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    for text, places in texts().items():
        message = ET.SubElement(context, "message")
        for place in places:
            ET.SubElement(message, "location", filename=f"../{place}")
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        if text in known:
            translation.text = known[text]
        else:
            translation.set("type", "unfinished")
    ET.indent(root, space="    ")
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n'


def updated(file: Path) -> str:
    """What a file should hold by now."""
    return ts_of(file.stem.rpartition("_")[2], translated(file.read_text(encoding="utf-8")) if file.exists() else {})


def _texts_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            (given,) = node.args
            if isinstance(given, ast.Constant):
                yield str(given.value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="*", default=sorted(FOLDER.glob("*.ts")), help="all, if none is named")
    for ts in parser.parse_args().file:
        ts.write_text(updated(ts), encoding="utf-8")
