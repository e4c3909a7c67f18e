import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from sam_backend.errors import DatasetError
from sam_backend.training.synthetic import fetch
from sam_backend.training.synthetic.cutout_index import read_index
from sam_backend.training.synthetic.packages import fetch_package, unpack_npm
from sam_backend.training.synthetic.sources import SOURCES, PictureSource

Packages = list[tuple[PictureSource, Path]]
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="this machine has no dpkg")


def write_tool(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


@pytest.fixture
def registry(packages: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[PictureSource]:
    """Archives of the test packages, and an ``npm`` and ``apt-get`` that hand them out instead of a registry."""
    (emoji, emoji_folder), *others = packages
    with tarfile.open(tmp_path / "emoji.tgz", "w:gz") as tar:
        tar.add(emoji_folder, arcname="package")
    sources = [replace(emoji, wanted=("package/assets/*.png",))]
    for source, folder in others:
        tree = tmp_path / f"{source.package}-tree"
        shutil.copytree(folder, tree)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN" / "control").write_text(
            f"Package: {source.package}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: test\n"
        )
        subprocess.run(["dpkg-deb", "-b", tree, tmp_path / f"{source.package}.deb"], check=True, capture_output=True)  # noqa: S607
        sources.append(source)
    write_tool(tmp_path / "bin", "npm", f'[ "$1" = pack ] && cp {tmp_path}/emoji.tgz .')
    write_tool(tmp_path / "bin", "apt-get", f'[ "$1" = download ] && cp {tmp_path}/"$2".deb .')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return sources


@needs_dpkg
def test_the_command_fetches_unpacks_and_prepares(
    registry: list[PictureSource],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fetch, "SOURCES", tuple(registry))
    assert fetch.main([str(tmp_path / "out")]) == 0
    assert "11 objects (" in capsys.readouterr().out
    assert len(read_index(tmp_path / "out").objects) == 11


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DatasetError, match="there is no npm on this machine: install it"):
        fetch_package(SOURCES[0], tmp_path / "out")


def test_what_the_registry_answers_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tool(tmp_path / "bin", "npm", "echo code E404 >&2; echo no such package >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert fetch.main([str(tmp_path / "out")]) == 1
    assert "failed (no such package): look whether the registry has the package" in capsys.readouterr().out


def test_a_tool_that_brings_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tool(tmp_path / "bin", "npm", "true")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(DatasetError, match=r"holds 0 files \*\.tgz, wanted one"):
        fetch_package(SOURCES[0], tmp_path / "out")


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "emoji.tgz").write_bytes(b"no archive")
    with pytest.raises(DatasetError, match=r"emoji\.tgz can't be unpacked"):
        unpack_npm(tmp_path / "emoji.tgz", tmp_path / "out")


def test_every_source_says_its_licence() -> None:
    assert all(source.licence for source in SOURCES)
    assert {source.role for source in SOURCES} == {"objects", "backgrounds"}
