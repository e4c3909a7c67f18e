"""How the objects look when QGIS opens their GeoPackage: coloured by score, with a style that lies in the file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

_FAR = 1000.0
"""Beyond any score: a predicted IoU may leave 0 to 1. Not infinite, which QGIS can't say in the filters it makes."""

GRADES = (
    (-_FAR, 0.6, "215,48,39"),
    (0.6, 0.7, "252,141,89"),
    (0.7, 0.8, "254,224,139"),
    (0.8, 0.9, "145,207,96"),
    (0.9, _FAR, "26,152,80"),
)
"""Scores from, up to, and their colour (red, green, blue): ColorBrewer's RdYlGn."""

FILL_ALPHA = 90
"""Of 255: the picture stays visible."""

_TABLE = """
CREATE TABLE IF NOT EXISTS layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
"""
"""As QGIS makes it itself."""

_REGISTER = """
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
"""

_INSERT = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
    styleSLD, useAsDefault, description, owner, ui)
SELECT '', '', table_name, column_name, 'score', ?, '', 1, 'graded by score', '', '' FROM gpkg_geometry_columns
WHERE table_name = ?
"""


def add_styles(geopackage: Path, layer_names: Sequence[str]) -> None:
    """Put the graded style into a GeoPackage as the default of some layers.

    Raises:
        OSError: the disk is full or can't be written.
    """
    try:
        with contextlib.closing(sqlite3.connect(geopackage)) as database, database:
            database.execute(_TABLE)
            database.execute(_REGISTER)
            database.executemany(_INSERT, [(graded_qml(), name) for name in layer_names])
    except sqlite3.Error as error:
        raise OSError(f"the style can't be written: {error}") from error


def graded_qml(attribute: str = "score") -> str:
    """A QGIS style for polygons, in colours from red (low) to green (high); grey where the attribute is missing."""
    numbers = range(len(GRADES))
    rules = [
        f'<range lower="{low}" upper="{high}" label={quoteattr(_label(low, high))} symbol="{number}" render="true"/>'
        for number, (low, high, _) in zip(numbers, GRADES, strict=True)
    ]
    symbols = [_symbol(str(number), colour) for number, (_, _, colour) in zip(numbers, GRADES, strict=True)]
    return (
        '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">'
        '<qgis version="3.22.0" styleCategories="Symbology">'
        f'<renderer-v2 type="graduatedSymbol" attr={quoteattr(attribute)} graduatedMethod="GraduatedColor"'
        ' symbollevels="0" enableorderby="0" forceraster="0">'
        f"<ranges>{''.join(rules)}</ranges><symbols>{''.join(symbols)}</symbols>"
        f"<source-symbol>{_symbol('0', '128,128,128')}</source-symbol>"
        "</renderer-v2></qgis>"
    )


def _label(low: float, high: float) -> str:
    """Of a range that holds its upper end."""
    if low == -_FAR:
        return f"≤ {high:g}"
    return f"> {low:g}" if high == _FAR else f"{low:g} - {high:g}"


def _symbol(name: str, colour: str) -> str:
    options = {
        "color": f"{colour},{FILL_ALPHA}",
        "outline_color": f"{colour},255",
        "outline_width": "0.4",
        "outline_width_unit": "MM",
        "outline_style": "solid",
        "style": "solid",
        "joinstyle": "miter",
    }
    entries = "".join(f'<Option name="{key}" value="{value}" type="QString"/>' for key, value in options.items())
    old_entries = "".join(f'<prop k="{key}" v="{value}"/>' for key, value in options.items())  # QGIS before 3.26
    return (
        f'<symbol type="fill" name="{name}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="SimpleFill" enabled="1" locked="0" pass="0"><Option type="Map">{entries}</Option>'
        f"{old_entries}</layer></symbol>"
    )
