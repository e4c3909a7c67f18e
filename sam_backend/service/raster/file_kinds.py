"""What a file is, by its first bytes.

GDAL asks a hundred drivers; some of them open whatever other file, address or even command line a small text names,
however that text is called. Only kinds that hold their data themselves pass here.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

_HEAD_BYTES = 65536

_POINTERS = re.compile(rb"<(?:VRT|OGRVRT|OGRWFS|OGROAPIF|GDAL_|GDALTileIndex|WCS_)|gdal_streamed_alg", re.IGNORECASE)
"""What GDAL looks for anywhere near the start, even behind the sign of another kind."""

_GEOJSON = re.compile(
    rb'\s*\{\s*(?:"(?:name|xy_coordinate_resolution)"\s*:\s*(?:"[^"\\]*"|[-+.\deE]+)\s*,\s*)*'
    rb'"type"\s*:\s*"(?:FeatureCollection|Feature|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))"'
)


class FileKind(Enum):
    """By the names that people know."""

    GEOTIFF = "GeoTIFF"
    JPEG2000 = "JPEG 2000"
    PNG = "PNG"
    JPEG = "JPEG"
    GEOPACKAGE = "GeoPackage"
    GEOJSON = "GeoJSON"
    FLATGEOBUF = "FlatGeobuf"
    SHAPEFILE = "Shapefile"
    VRT = "VRT"
    """The one kind that names other files; see `vrt_sources`."""


RASTERS = (FileKind.GEOTIFF, FileKind.JPEG2000, FileKind.PNG, FileKind.JPEG, FileKind.GEOPACKAGE)
LAYERS = (FileKind.GEOPACKAGE, FileKind.GEOJSON, FileKind.FLATGEOBUF)

_SIGNS = {
    b"II*\0": FileKind.GEOTIFF,
    b"MM\0*": FileKind.GEOTIFF,
    b"II+\0": FileKind.GEOTIFF,
    b"MM\0+": FileKind.GEOTIFF,
    b"\0\0\0\x0cjP  \r\n\x87\n": FileKind.JPEG2000,
    b"\xff\x4f\xff\x51": FileKind.JPEG2000,
    b"\x89PNG\r\n\x1a\n": FileKind.PNG,
    b"\xff\xd8\xff": FileKind.JPEG,
    b"fgb\x03fgb": FileKind.FLATGEOBUF,
    b"\0\0\x27\x0a": FileKind.SHAPEFILE,
}
_SQLITE = b"SQLite format 3\0"
_GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")
_ID_AT = 68
"""Where a SQLite file says what it is for."""


def kind_of(path: Path) -> FileKind | None:
    """The kind of a file; None if it is none of these.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return kind_of_head(file.read(_HEAD_BYTES))


def kind_of_head(head: bytes) -> FileKind | None:
    """The kind of a file that begins so."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<VRTDataset", b"<?xml")):
        return FileKind.VRT if b"<VRTDataset" in head else None
    if _POINTERS.search(head):
        return None
    if head.startswith(_SQLITE):
        return FileKind.GEOPACKAGE if head[_ID_AT : _ID_AT + 4] in _GEOPACKAGE_IDS else None
    if _GEOJSON.match(head.removeprefix(b"\xef\xbb\xbf")):
        return FileKind.GEOJSON
    return next((kind for sign, kind in _SIGNS.items() if head.startswith(sign)), None)


def listed(kinds: tuple[FileKind, ...]) -> str:
    """For a sentence."""
    *others, last = (kind.value for kind in kinds)
    return f"{', '.join(others)} or {last}"
