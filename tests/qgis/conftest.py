"""QGIS in this process, the real qgis_process beside it, and the backend in a Python of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
BACKEND_PYTHON = os.environ.get("BACKEND_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
SHARED = ROOT.parent / "shared"

PROFILE = tempfile.mkdtemp(prefix="segment-anything-qgis-")
os.environ["QGIS_CUSTOM_CONFIG_PATH"] = PROFILE  # pytest-qgis keeps one between runs: what was found would be known
sys.path[:0] = [str(PLUGINS), "/usr/share/qgis/python/plugins", str(Path(__file__).parent)]

from process import QgisProcess  # noqa: E402 - found by the path above
from rasters import write_squares  # noqa: E402


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(PROFILE, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_error_in_a_slot(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PyQt aborts the run at an exception in a slot unless somebody takes it; here the test fails."""
    raised: list[BaseException] = []

    def take(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        raised.append(error)

    monkeypatch.setattr(sys, "excepthook", take)
    yield
    assert not raised


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network of the main tests, written by the backend's own Python."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import torch; from conftest import TINY; "
        "from sam_backend.model.sam import Sam; torch.manual_seed(35); torch.save(Sam(TINY).state_dict(), sys.argv[3])"
    )
    subprocess.run([BACKEND_PYTHON, "-I", "-c", code, ROOT / "tests", ROOT, path], check=True)
    return path


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raster of 400 x 300 pixels of half a metre with four coloured squares, in EPSG:25832."""
    return write_squares(tmp_path_factory.mktemp("raster") / "squares.tif")


@pytest.fixture(scope="session")
def bare_process(tmp_path_factory: pytest.TempPathFactory) -> QgisProcess:
    """qgis_process with a profile in which nothing is set up."""
    return QgisProcess(tmp_path_factory.mktemp("bare"), PLUGINS)


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> QgisProcess:
    """qgis_process with a profile that knows the tiny backend."""
    made = QgisProcess(tmp_path_factory.mktemp("process"), PLUGINS)
    answer = made.run("setup", ACTION=2, PYTHON=BACKEND_PYTHON, SOURCE_FOLDER=ROOT, MODEL=tiny_weights, DEVICE="cpu")
    assert answer["BACKEND_STATE"] == "ready"
    return made


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that isn't part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared isn't here")
    return SHARED
