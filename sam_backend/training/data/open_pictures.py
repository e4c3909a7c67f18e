"""Opening whatever data set lies at a path."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import DatasetError
from sam_backend.training.data.coco import CocoPictures, is_coco
from sam_backend.training.data.geotiff import LabelledRaster
from sam_backend.training.data.json_file import read_json
from sam_backend.training.data.label_folder import LabelFolder
from sam_backend.training.data.label_studio_export import LabelStudioPictures, is_label_studio_export
from sam_backend.training.data.raster_polygons import VECTOR_ENDINGS
from sam_backend.training.data.sa1b import ANNOTATION_FILES, Sa1bFolder
from sam_backend.training.data.stored import StoredPictures
from sam_backend.training.data.tiling import DEFAULT_TILING, Tiling

RASTER_ENDINGS = (".tif", ".tiff")
UNDERSTOOD = (
    "a folder with images/ and labels/, a folder of SA-1B (sa_*.jpg and sa_*.json), a COCO or Label Studio export "
    "(*.json, or the folder of a single one), or a GeoTIFF with polygons (*.geojson, *.gpkg, *.shp, *.fgb) beside it"
)


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """What a path alone doesn't tell. None: found beside it, or as the file says."""

    images: Path | None = None
    """The folder of the pictures of a COCO file or Label Studio export."""

    data_key: str | None = None
    """Where a Label Studio task has its picture."""

    polygons: Path | None = None
    """The polygons of a raster. With them any raster of GDAL's is taken, whatever its ending."""

    polygons_crs: str | None = None
    """Their CRS, or ``raster``."""

    tiling: Tiling = DEFAULT_TILING
    """How to cut a raster."""


def open_pictures(path: Path, options: OpenOptions = OpenOptions()) -> StoredPictures:
    """Open a data set of any kind, recognised by what lies at ``path``.

    Raises:
        DatasetError: nothing that is understood lies there, or it holds no labelled picture.
        RasterError: a raster can't be read.
    """
    if not path.exists():
        raise DatasetError(f"{path} doesn't exist: give {UNDERSTOOD}")
    if path.is_dir():
        return _open_folder(path, options)
    if options.polygons is not None or _ends(path, RASTER_ENDINGS):
        polygons = options.polygons or _polygons_beside(path)
        return LabelledRaster(path, polygons, options.polygons_crs, options.tiling)
    if _ends(path, (".json",)):
        return _open_json(path, options)
    raise DatasetError(f"{path} isn't a data set that is understood: give {UNDERSTOOD}")


def _open_folder(folder: Path, options: OpenOptions) -> StoredPictures:
    if (folder / "images").is_dir() and (folder / "labels").is_dir():
        return LabelFolder(folder)
    if next(folder.glob(ANNOTATION_FILES), None) is not None:
        return Sa1bFolder(folder)
    single_files = [files[0] for ending in ((".json",), RASTER_ENDINGS) if len(files := _files(folder, ending)) == 1]
    if len(single_files) == 1:
        return open_pictures(single_files[0], options)
    raise DatasetError(f"{folder} holds no data set, or more than one: give {UNDERSTOOD}")


def _open_json(file: Path, options: OpenOptions) -> StoredPictures:
    document = read_json(file)
    if is_coco(document):
        return CocoPictures(document, file, options.images)
    if is_label_studio_export(document):
        return LabelStudioPictures(document, file, options.images, options.data_key)
    raise DatasetError(
        f"{file} is neither COCO's JSON (an object with images and annotations) nor Label Studio's export of the "
        f"format JSON (a list of tasks with data and annotations): give {UNDERSTOOD}"
    )


def _polygons_beside(raster: Path) -> Path:
    """The vector file of the raster's name, or else the only one in its folder."""
    vectors = _files(raster.parent, VECTOR_ENDINGS)
    of_its_name = [path for path in vectors if path.stem == raster.stem]
    for candidates in (of_its_name, vectors):
        if len(candidates) == 1:
            return candidates[0]
    found = ", ".join(path.name for path in vectors[:5]) or "none"
    raise DatasetError(
        f"which polygons belong to {raster} isn't clear, {found} beside it: name one {raster.stem}.geojson or give them"
    )


def _files(folder: Path, endings: Collection[str]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and _ends(path, endings))


def _ends(path: Path, endings: Collection[str]) -> bool:
    return path.suffix.lower() in endings
