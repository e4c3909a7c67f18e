"""``settings``: every setting of the service, what it is now, where that comes from, and what it means."""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from sam_backend.errors import SettingsError
from sam_backend.settings import Settings

_WIDTH = 110
_DOCUMENTED = re.compile(r"([A-Z][A-Z0-9_]+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Setting:
    """One of them, as it is documented beside its field."""

    field: str
    variable: str
    meaning: str
    """A line."""

    is_secret: bool
    usual: object
    """Its value where the environment says nothing; None too if that depends on the machine."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "settings",
        help="every setting of the service: what it is now, where that comes from, what it means",
        description="Prints every setting of the service, read from the environment as the service reads it. Ends "
        "with 2 and a line for each where some are wrong. Tokens are shown as 'set' only.",
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--env", action="store_true", help="print a file of variables instead, to be filled in")
    forms.add_argument("--markdown", action="store_true", help="print the table of the documentation instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    if arguments.env:
        print("\n\n".join(_template(setting) for setting in documented_settings()))
    elif arguments.markdown:
        print("\n".join(markdown_lines()))
    else:
        print("\n".join(lines_in_force(os.environ)))
    return 0


def documented_settings() -> tuple[Setting, ...]:
    """All settings in the order of the fields of `Settings`.

    Raises:
        SettingsError: a field has no docstring that begins with its variable.
    """
    meanings = _docstrings()
    return tuple(
        Setting(
            field.name,
            *_split(field.name, meanings),
            is_secret=not field.repr,
            usual=None if field.default is MISSING else field.default,
        )
        for field in fields(Settings)
    )


def lines_in_force(environ: Mapping[str, str]) -> Iterator[str]:
    """Variable, value and origin of each setting, and its meaning below.

    Raises:
        SettingsError: some are wrong.
    """
    settings = Settings.from_env(environ)
    for setting in documented_settings():
        is_set = bool(environ.get(setting.variable, "").strip())
        value = _shown(getattr(settings, setting.field))
        if setting.is_secret:
            value = "set" if is_set else _shown(setting.usual)
        yield f"{setting.variable} = {value or '(not set)'}   [{'environment' if is_set else 'default'}]"
        yield textwrap.fill(setting.meaning, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def markdown_lines() -> Iterator[str]:
    """The rows of a table: the same on every machine."""
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for setting in documented_settings():
        shown = _shown(setting.usual)
        yield f"| `{setting.variable}` | {f'`{shown}`' if shown else '-'} | {setting.meaning} |"


def _template(setting: Setting) -> str:
    meaning = textwrap.fill(setting.meaning, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return f"{meaning}\n#{setting.variable}={_shown(setting.usual)}"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return (os.pathsep if any(isinstance(one, Path) for one in value) else ",").join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _split(name: str, meanings: Mapping[str, str]) -> tuple[str, str]:
    """Variable and meaning."""
    found = _DOCUMENTED.fullmatch(meanings.get(name, ""))
    if found is None:
        raise SettingsError(f"Settings.{name} isn't documented: begin its docstring with its variable and a colon")
    meaning = found[2]
    return found[1], meaning[0].upper() + meaning[1:]


def _docstrings() -> dict[str, str]:
    """What stands below each field of `Settings`; Python itself forgets it."""
    (settings,) = ast.parse(inspect.getsource(Settings)).body
    if not isinstance(settings, ast.ClassDef):
        raise TypeError(f"the source of Settings holds a {type(settings).__name__}, no class")
    found: dict[str, str] = {}
    for field, below in zip(settings.body, settings.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
            found[field.target.id] = " ".join(str(text).split())
    return found
