"""The same raster through the local worker and through the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from process import ProcessingError, QgisProcess
from running_server import running_server
from test_qgis_process import ALL_MASKS, facts

TOKEN = "a token of the test"  # noqa: S105 - of this test


@pytest.fixture(scope="module")
def url(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tiny_weights, TOKEN, tmp_path_factory.mktemp("spool")) as address:
        yield address


def test_the_server_finds_what_the_worker_finds(
    process: QgisProcess, squares: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENT_ANYTHING_TOKEN", TOKEN)
    process.run("setup", ACTION=2, SERVER=url)

    there = process.run("segmentraster", INPUT=squares, BACKEND=2, OUTPUT=tmp_path / "there.gpkg", **ALL_MASKS)
    here = process.run("segmentraster", INPUT=squares, BACKEND=1, OUTPUT=tmp_path / "here.gpkg", **ALL_MASKS)
    again = process.run("refilter", JOURNAL=there["JOURNAL"], OUTPUT=tmp_path / "again.gpkg")

    assert there["JOURNAL"].startswith("run:")
    assert there["N_OBJECTS"] == here["N_OBJECTS"] == again["N_OBJECTS"] > 0
    assert facts(tmp_path / "there.gpkg") == facts(tmp_path / "here.gpkg") == facts(tmp_path / "again.gpkg")


def test_a_wrong_token_is_said_so(
    process: QgisProcess, squares: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENT_ANYTHING_TOKEN", "another")

    with pytest.raises(ProcessingError, match="refuses the token"):
        process.run("segmentraster", INPUT=squares, BACKEND=2, OUTPUT=tmp_path / "out.gpkg")
