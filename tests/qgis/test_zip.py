"""The plugin as users get it: zipped, held to the rules of plugins.qgis.org, unzipped into a fresh profile."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import PLUGINS, ROOT
from process import QgisProcess

TOOLS = ROOT / ".qgis" / "tools" / "bin"
NEEDED = ("name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository")
REFUSED = (".exe", ".dll", ".so", ".dylib", ".bat", ".sh", ".ps1", ".cmd", ".pyc", ".pyd")
OFF = "B109,B404,B410,B411"
"""Rules of bandit that the site has switched off."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zip")
    said = subprocess.run(
        [sys.executable, PLUGINS / "package.py", folder], capture_output=True, text=True, check=True
    ).stdout
    return Path(said.strip())


def test_the_zip_is_one_folder_without_anything_suspicious(archive: Path) -> None:
    names = zipfile.ZipFile(archive).namelist()

    assert all(name.startswith("segment_anything/") and ".." not in name for name in names)
    assert not [name for name in names if name.endswith(REFUSED) or "__pycache__" in name]
    assert {"segment_anything/LICENSE", "segment_anything/metadata.txt", "segment_anything/__init__.py"} <= set(names)
    assert archive.stat().st_size < 25_000_000


def test_the_metadata_say_all_that_is_asked_for() -> None:
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.optionxform = str  # type: ignore[assignment,method-assign]
    metadata.read(PLUGINS / "segment_anything" / "metadata.txt", encoding="utf-8")
    general = metadata["general"]

    assert all(general.get(name, "").strip() for name in NEEDED)
    assert general["hasProcessingProvider"] == "yes"
    assert "supportsQt6" not in general


def test_bandit_and_detect_secrets_find_nothing() -> None:
    plugin = PLUGINS / "segment_anything"
    bandit = subprocess.run(
        [TOOLS / "bandit", "-q", "-r", plugin, "-s", OFF, "-f", "json"], capture_output=True, text=True, check=False
    )
    secrets = subprocess.run(
        [TOOLS / "detect-secrets", "scan", "--all-files", plugin], capture_output=True, text=True, check=True
    )

    assert json.loads(bandit.stdout)["results"] == []
    assert json.loads(secrets.stdout)["results"] == {}


def test_flake8_finds_no_error_and_no_import_of_one_qt() -> None:
    rules = ["--isolated", "--select=E9,F,QGS", "--extend-ignore=QGS105,QGS201,QGS202,QGS402"]

    said = subprocess.run(
        [TOOLS / "flake8", *rules, PLUGINS / "segment_anything"], capture_output=True, text=True, check=False
    )

    assert said.stdout == ""


def test_unzipped_into_a_fresh_profile_it_works(archive: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(archive).extractall(tmp_path / "profiles" / "default" / "python" / "plugins")

    process = QgisProcess(tmp_path, tmp_path / "no other plugins")

    assert "segmentanything:segmentraster" in process.call("list")
