"""``versions``: list what was trained, put another version in force, drop one."""

from __future__ import annotations

import argparse
import os

from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.learning import outcome
from sam_backend.service.versions.version import Version
from sam_backend.settings import Settings

SETTINGS_MODEL = "settings"
"""Names the model of SAM_MODEL."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "versions",
        help="list the versions that were trained on projects; switch between them",
        description="Every running service follows within two seconds. Reads SAM_DATA_FOLDER and SAM_MODEL.",
    )
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(metavar="ACTION")
    use = actions.add_parser("use", help="let a version answer from now on")
    use.add_argument("name", help=f"a version, or {SETTINGS_MODEL!r} for the model of SAM_MODEL")
    use.set_defaults(run=_use)
    drop = actions.add_parser("drop", help="delete a version that isn't in force")
    drop.add_argument("name")
    drop.set_defaults(run=_drop)


def _book(settings: Settings) -> VersionBook:
    return VersionBook(settings.data_folder / "versions")


def _list(arguments: argparse.Namespace) -> int:
    settings = Settings.from_env(os.environ)
    book = _book(settings)
    in_force = book.in_force()
    print(f"{_mark(in_force is None)} {checkpoint_version(settings.model)}: the model of SAM_MODEL ({SETTINGS_MODEL})")
    for version in book.all():
        print(f"{_mark(version.name == in_force)} {_line(version)}")
    return 0


def _mark(is_in_force: bool) -> str:
    return "*" if is_in_force else " "


def _line(version: Version) -> str:
    counts = version.counts
    parts = [
        f"{version.model_version or version.name}: {outcome(version)}",
        f"project {version.project}",
        f"{counts.objects} objects, {counts.held_out_objects} held out",
        version.begun_at,
    ]
    return ", ".join(parts) + (f"; {version.reason}" if version.reason else "")


def _use(arguments: argparse.Namespace) -> int:
    settings = Settings.from_env(os.environ)
    book = _book(settings)
    if arguments.name in (SETTINGS_MODEL, checkpoint_version(settings.model)):
        book.use(None)
        print("the model of SAM_MODEL is in force")
        return 0
    version = book.find(arguments.name)
    book.use(version.name)
    print(f"{version.model_version} is in force")
    return 0


def _drop(arguments: argparse.Namespace) -> int:
    book = _book(Settings.from_env(os.environ))
    version = next((one for one in book.all() if one.model_version == arguments.name), None)
    name = arguments.name if version is None else version.name
    book.drop(name)
    print(f"dropped {name}")
    return 0
