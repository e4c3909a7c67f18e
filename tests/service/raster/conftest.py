"""The service with a folder of rasters that it may open, over the tiny network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from flask.testing import FlaskClient
from raster_runs import Ask, Download
from rasterio.transform import Affine
from scipy import ndimage


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder of SAM_RASTER_FOLDERS."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


@pytest.fixture
def geotiff(shelf: Path) -> Path:
    """Six tiles of 64 px."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(3, 100, 150)), (0, 6, 6))
    path = shelf / "town.tif"
    options = {"driver": "GTiff", "height": 100, "width": 150, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32636", transform=Affine(0.5, 0, 3e5, 0, -0.5, 5e6), **options) as raster:
        raster.write(np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8))
    return path


@pytest.fixture
def start_raster(start: Callable[..., FlaskClient], shelf: Path, tmp_path: Path) -> Callable[..., FlaskClient]:
    def build(**settings: object) -> FlaskClient:
        spool = tmp_path / "spool"
        spool.mkdir(exist_ok=True)
        return start(**{"raster_folders": (shelf,), "raster_spool": spool, **settings})

    return build


@pytest.fixture
def raster_client(start_raster: Callable[..., FlaskClient]) -> FlaskClient:
    return start_raster()


@pytest.fixture
def ask(raster_client: FlaskClient) -> Ask:
    def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
        answer = raster_client.open(f"/raster{path}", method=method, json=body)
        return answer.status_code, answer.get_json()

    return call


@pytest.fixture
def download(raster_client: FlaskClient) -> Download:
    def call(run: str, path: Path) -> dict[str, str]:
        with raster_client.get(f"/raster/runs/{run}/output") as answer:
            assert answer.status_code == 200
            path.write_bytes(answer.data)
            return dict(answer.headers)

    return call
