"""label-studio-ml with our model in it, in this process, over the embedded weights."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"

# What starts a real Label Studio is the browser's tests', the recorded bodies are the service's tests'.
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "service")]

from nuclei import NucleiScene, make_nuclei_scene  # noqa: E402


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where label-studio-ml leaves a folder for each webhook."""
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="session")
def client(shared_cache: Path, model_dir: Path) -> Iterator[FlaskClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "SAM_CACHE_URL", f"file://{shared_cache}"
        )  # read when our module is imported, here and by children
        patch.setenv("SAM_DEVICE", "cpu")
        from label_studio_ml.api import init_app

        from sam_backend.label_studio.ml_backend import SegmentAnything

        yield init_app(model_class=SegmentAnything, model_dir=str(model_dir)).test_client()


@pytest.fixture(scope="session")
def version() -> str:
    from sam_backend.model.checkpoint import checkpoint_version

    return checkpoint_version("embedded")


@pytest.fixture(scope="session")
def scene() -> NucleiScene:
    return make_nuclei_scene()


@pytest.fixture(scope="session")
def recorded_in_shared() -> Callable[[str], Any]:
    """Bodies that a real Label Studio sent, beyond those of the project."""
    folder = SHARED / "fixtures" / "label_studio"
    if not folder.is_dir():
        pytest.skip("the folder ../shared isn't here")
    return lambda name: json.loads((folder / f"{name}.json").read_text())["body"]


@pytest.fixture(scope="session")
def picture_uri() -> Callable[[int, int], str]:
    """A picture with one bright disc in its middle, of a height and width in px, as an address that holds it."""

    def make(height: int, width: int) -> str:
        y, x = np.ogrid[:height, :width]
        is_disc = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 4) ** 2
        pixels = np.where(is_disc[..., None], (240, 200, 60), (20, 40, 60)).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

    return make
