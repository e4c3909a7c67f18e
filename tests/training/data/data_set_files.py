"""Small data sets of every format, made when a test asks for one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

PICTURE_HW = (60, 80)
UTM = "EPSG:32636"
UTM_TRANSFORM = Affine(0.5, 0, 300_000, 0, -0.5, 5_000_000)


def write_picture(path: Path, hw: tuple[int, int] = PICTURE_HW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*hw, 3), np.uint8)).save(path)
    return path


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def block(top: int, left: int, bottom: int, right: int, hw: tuple[int, int] = PICTURE_HW) -> NDArray[np.bool_]:
    mask = np.zeros(hw, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def annotation(segmentation: object, image_id: object = 1, **more: object) -> dict[str, Any]:
    return {"id": 7, "image_id": image_id, "iscrowd": 0, "segmentation": segmentation, **more}


def coco(*annotations: object, file_name: str = "1.jpg", hw: tuple[int, int] = PICTURE_HW) -> dict[str, Any]:
    record = {"id": 1, "file_name": file_name, "height": hw[0], "width": hw[1]}
    return {"images": [record], "annotations": list(annotations), "categories": []}


def square_utm(left_px: float, top_px: float, size_px: float) -> list[list[list[float]]]:
    """Coordinates of a square given in pixels of the raster of `write_raster`."""
    right_px, bottom_px = left_px + size_px, top_px + size_px
    corners_px = [(left_px, top_px), (left_px, bottom_px), (right_px, bottom_px), (right_px, top_px), (left_px, top_px)]
    return [[list(UTM_TRANSFORM @ corner) for corner in corners_px]]


def geojson(*coordinates: object, crs: str | None = UTM, kind: str = "Polygon") -> dict[str, Any]:
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": one}} for one in coordinates
    ]
    named = {} if crs is None else {"crs": {"type": "name", "properties": {"name": crs}}}
    return {"type": "FeatureCollection", **named, "features": features}


def write_raster(path: Path, bands: NDArray[Any], crs: str | None = UTM, **profile: object) -> Path:
    count, height, width = bands.shape
    options = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": bands.dtype}
    with rasterio.open(path, "w", crs=crs, transform=UTM_TRANSFORM, **options, **profile) as raster:
        raster.write(bands)
    return path


def noise_bands(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, height, width), np.uint8)
