"""One worker for all tests that don't end it: starting one takes as long as importing PyTorch."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy import ndimage
from worker_client import CHATTERING, SLOW, WORKER, WorkerClient

MAP_TRANSFORM = Affine(0.5, 0, 3e5, 0, -0.5, 5e6)


@pytest.fixture(scope="session")
def geotiff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(3, 100, 150)), (0, 6, 6))
    path = tmp_path_factory.mktemp("maps") / "map.tif"
    options = {"driver": "GTiff", "height": 100, "width": 150, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32636", transform=MAP_TRANSFORM, **options) as raster:
        raster.write(np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8))
    return path


@pytest.fixture(scope="session")
def worker(tiny_checkpoint: Path, geotiff: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerClient]:
    folder = tmp_path_factory.mktemp("worker")
    client = WorkerClient(["-c", CHATTERING, *WORKER[2:], "--model", tiny_checkpoint], folder / "log.txt")
    greeting = client.end("hello")
    assert (greeting["state"], greeting["protocol"], greeting["device"]) == ("ready", 1, "cpu")
    yield client
    client.send("long", "run", raster=str(geotiff), output=str(folder / "out.gpkg"), **SLOW)
    client.event("long", "progress")
    began_s = time.monotonic()
    assert client.close() == 0  # when its input ends, whatever it is doing
    assert time.monotonic() - began_s < 10  # promised is one second
    assert not (folder / "out.gpkg").exists()
