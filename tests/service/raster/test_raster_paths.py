import json
import os
import sqlite3
import warnings
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from sam_backend.errors import RasterError, RequestError
from sam_backend.geo.raster import open_raster
from sam_backend.service.raster.file_kinds import FileKind, kind_of, kind_of_head
from sam_backend.service.raster.raster_paths import RasterPaths
from sam_backend.service.raster.spool import Spool
from sam_backend.service.raster.uploads import Uploads

VRT = (
    '<VRTDataset rasterXSize="8" rasterYSize="6"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    "{source}<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
)
OGR_VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="l"><SrcDataSource>{path}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
)
POINTS = '{"type":"FeatureCollection","features":[]}'


def _write_raster(path: Path, driver: str = "GTiff") -> Path:
    options = {"driver": driver, "height": 6, "width": 8, "count": 1, "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", crs="EPSG:32636", transform=Affine(0.5, 0, 3e5, 0, -0.5, 5e6), **options) as new:
            new.write(np.full((1, 6, 8), 7, np.uint8))
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The one folder whose files may be named."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    _write_raster(folder / "map.tif")
    _write_raster(tmp_path / "secret.tif")
    (folder / "points.geojson").write_text(POINTS)
    return folder


@pytest.fixture
def paths(shelf: Path, tmp_path: Path) -> RasterPaths:
    return RasterPaths((Path(os.path.realpath(shelf)),), Uploads(Spool(tmp_path / "spool"), max_bytes=10_000_000))


def test_a_file_below_a_folder_may_be_named(paths: RasterPaths, shelf: Path) -> None:
    deeper = shelf / "deeper" / "down"
    deeper.mkdir(parents=True)
    _write_raster(deeper / "map 2#?.tif")
    (shelf / "link.tif").symlink_to(deeper / "map 2#?.tif")
    assert paths.raster(str(shelf / "map.tif")) == shelf / "map.tif"
    assert paths.raster(str(shelf / "link.tif")) == deeper / "map 2#?.tif"
    assert paths.layer(str(shelf / "points.geojson")) == shelf / "points.geojson"


OUTSIDE = [
    "{tmp}/secret.tif",
    "{shelf}/../secret.tif",
    "{shelf}/deeper/../map.tif",
    "{shelf}/../shelf/map.tif",
    "{shelf}/away.tif",
    "{shelf}/away/secret.tif",
    "{shelf}2/map.tif",
    "{shelf}",
    "{shelf}/missing.tif",
    "map.tif",
    "./map.tif",
    "",
    " ",
    "~/map.tif",
    "/etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/environ",
    "/vsicurl/http://127.0.0.1/map.tif",
    "/vsizip/{shelf}/map.zip/map.tif",
    "/vsimem/map.tif",
    "/vsisubfile/0,{shelf}/map.tif",
    "/vsistdin/",
    "http://127.0.0.1:9/map.tif",
    "https://example.org/map.tif",
    "s3://bucket/map.tif",
    "zip://{shelf}/map.zip!map.tif",
    "zip+https://example.org/map.zip",
    "file://{shelf}/map.tif",
    "GTIFF_DIR:1:{shelf}/map.tif",
    "NETCDF:{shelf}/map.nc:x",
    "WMS:http://127.0.0.1/",
    "PG:host=127.0.0.1",
    "<VRTDataset></VRTDataset>",
    '{"type":"FeatureCollection","features":[]}',
    "{shelf}/map.tif\n",
    "{shelf}/a!{shelf}/map.tif",
    "{shelf}/" + "x" * 5000,
    "upload:../../secret.tif",
    "upload:" + "0" * 32 + "/map.tif",
    "upload:" + "0" * 32 + "/../../secret.tif",
    "UPLOAD:x",
    "run:x",
]


@pytest.mark.parametrize("text", OUTSIDE)
def test_nothing_else_can_be_named(text: str, paths: RasterPaths, shelf: Path, tmp_path: Path) -> None:
    (shelf / "away.tif").symlink_to(tmp_path / "secret.tif")
    (shelf / "away").symlink_to(tmp_path)
    (tmp_path / "shelf2").mkdir()
    _write_raster(tmp_path / "shelf2" / "map.tif")
    named = text.replace("{shelf}", str(shelf)).replace("{tmp}", str(tmp_path))
    for read in (paths.raster, paths.layer):
        with pytest.raises(RequestError) as caught:
            read(named)
        assert "\n" not in str(caught.value)


def test_what_lies_elsewhere_is_refused_alike_whether_it_is_there_or_not(paths: RasterPaths, tmp_path: Path) -> None:
    said = set()
    for name in ("secret.tif", "absent.tif"):
        with pytest.raises(RequestError) as caught:
            paths.raster(str(tmp_path / name))
        said.add(str(caught.value).replace(name, ""))
    assert len(said) == 1


def test_without_folders_the_cure_is_named(paths: RasterPaths, shelf: Path) -> None:
    closed = RasterPaths((), paths.uploads)
    with pytest.raises(RequestError, match=r"opens uploads only.*SAM_RASTER_FOLDERS"):
        closed.raster(str(shelf / "map.tif"))


def _polyglots(secret: Path) -> dict[str, bytes]:
    """Files that GDAL opens as ``secret``, or asks elsewhere for, whatever they are called."""
    vrt = VRT.format(source=f"<SourceFilename>{secret}</SourceFilename>").encode()
    ogr = OGR_VRT.format(path=secret).encode()
    command = json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"})
    return {
        "vrt": vrt,
        "vrt behind text": b"hello " + vrt,
        "vrt in JSON": b'{"type": "FeatureCollection", "x": "' + vrt,
        "vrt in a TIFF": b"II*\0" + vrt,
        "ogr vrt": ogr,
        "ogr vrt in GeoJSON": b'{"type":"FeatureCollection","features":[],"x":"' + ogr + b'"}',
        "a command line": command.encode(),
        "a second type": b'{"type":"FeatureCollection",' + command.encode()[1:],
        "wms": b"<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1/</ServerUrl></Service></GDAL_WMS>",
        "wfs": b"<OGRWFSDataSource><URL>http://127.0.0.1/</URL></OGRWFSDataSource>",
        "stac": b'{"type": "Feature", "stac_version": "1.0.0"}',
        "gml": b'<?xml version="1.0"?><gml:x xmlns:gml="g" xlink:href="http://127.0.0.1/"/>',
        "zip": b"PK\x03\x04",
        "plain SQLite": b"SQLite format 3\0" + bytes(100),
        "text": b"x,y\n1,2\n",
        "nothing": b"",
    }


@pytest.mark.parametrize("name", _polyglots(Path("x")))
def test_files_that_point_elsewhere_are_no_rasters(name: str, paths: RasterPaths, shelf: Path, tmp_path: Path) -> None:
    content = _polyglots(tmp_path / "secret.tif")[name]
    (shelf / "evil.tif").write_bytes(content)
    with pytest.raises(RequestError):
        paths.raster(str(shelf / "evil.tif"))
    if name != "stac":  # which is GeoJSON, as a layer
        with pytest.raises(RequestError):
            paths.layer(str(shelf / "evil.tif"))


def test_a_raster_that_names_its_overviews_is_refused(paths: RasterPaths, shelf: Path, tmp_path: Path) -> None:
    with rasterio.open(shelf / "map.tif", "r+") as raster:
        raster.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(tmp_path / "secret.tif"))
    with pytest.raises(RequestError, match="names a file of overviews"):
        paths.raster(str(shelf / "map.tif"))


def test_companions_of_a_raster_lie_inside_too(paths: RasterPaths, shelf: Path, tmp_path: Path) -> None:
    (shelf / "map.tif.ovr").symlink_to(tmp_path / "secret.tif")
    with pytest.raises(RasterError, match="beyond the folders"):
        paths.raster(str(shelf / "map.tif"))


def _vrt(shelf: Path, source: str, **changes: str) -> Path:
    text = VRT.format(source=source)
    for old, new in changes.items():
        text = text.replace(old, new)
    (shelf / "mosaic.vrt").write_text(text)
    return shelf / "mosaic.vrt"


@pytest.mark.parametrize("source", ['relativeToVRT="1">map.tif', ">{shelf}/map.tif"], ids=["beside it", "whole path"])
def test_a_plain_mosaic_of_files_inside_is_a_raster(source: str, paths: RasterPaths, shelf: Path) -> None:
    path = _vrt(shelf, f"<SourceFilename {source}</SourceFilename>".replace("{shelf}", str(shelf)))
    assert paths.raster(str(path)) == path
    with open_raster(path) as raster:
        assert raster.read(1).tolist() == [[7] * 8] * 6


@pytest.mark.parametrize(
    "source",
    [
        'relativeToVRT="1">../secret.tif',
        'relativeToVRT="1">away.tif',
        'relativeToVRT="1">{tmp}/secret.tif',
        'relativeToVRT="1">mosaic.vrt',
        'relativeToVRT="1">GTIFF_DIR:1:map.tif',
        'relativeToVRT="0">map.tif',
        ">{tmp}/secret.tif",
        ">{shelf}/../secret.tif",
        ">/vsicurl/http://127.0.0.1/x.tif",
        ">http://127.0.0.1/x.tif",
        "> {shelf}/map.tif",
        ">",
    ],
)
def test_a_mosaic_of_what_lies_elsewhere_is_refused(source: str, paths: RasterPaths, shelf: Path) -> None:
    (shelf / "away.tif").symlink_to(shelf.parent / "secret.tif")
    filled = source.replace("{shelf}", str(shelf)).replace("{tmp}", str(shelf.parent))
    with pytest.raises(RequestError):
        paths.raster(str(_vrt(shelf, f"<SourceFilename {filled}</SourceFilename>")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<VRTRasterBand ", '<VRTRasterBand subClass="VRTRawRasterBand" '),
        ("</VRTDataset>", "<GDALWarpOptions/></VRTDataset>"),
        ("</VRTDataset>", '<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/x</MDI></Metadata></VRTDataset>'),
        ("<VRTDataset ", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><VRTDataset '),
        ("</VRTDataset>", "</VRTDataset"),
    ],
    ids=["raw", "warped", "overviews", "entity", "damaged"],
)
def test_a_vrt_that_is_no_plain_mosaic_is_refused(old: str, new: str, paths: RasterPaths, shelf: Path) -> None:
    path = _vrt(shelf, '<SourceFilename relativeToVRT="1">map.tif</SourceFilename>', **{old: new})
    with pytest.raises(RequestError):
        paths.raster(str(path))


def test_an_upload_is_no_mosaic(paths: RasterPaths, shelf: Path) -> None:
    path = _vrt(shelf, f"<SourceFilename>{shelf}/map.tif</SourceFilename>")
    with path.open("rb") as stream, pytest.raises(RequestError, match="kind that isn't opened"):
        paths.uploads.receive("mosaic.vrt", stream)


def test_kinds_are_told_by_what_programs_write(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:32636")
    written = {"a.gpkg": "GPKG", "a.geojson": "GeoJSON", "a.fgb": "FlatGeobuf", "a.shp": "ESRI Shapefile"}
    wanted = (FileKind.GEOPACKAGE, FileKind.GEOJSON, FileKind.FLATGEOBUF, FileKind.SHAPEFILE)
    for (name, driver), kind in zip(written.items(), wanted, strict=True):
        frame.to_file(tmp_path / name, driver=driver)
        assert kind_of(tmp_path / name) is kind
    (tmp_path / "b.geojson").write_text(frame.to_crs(4326).to_json())
    assert kind_of(tmp_path / "b.geojson") is FileKind.GEOJSON
    rasters = {"GTiff": FileKind.GEOTIFF, "PNG": FileKind.PNG, "JPEG": FileKind.JPEG, "JP2OpenJPEG": FileKind.JPEG2000}
    for driver, kind in rasters.items():
        assert kind_of(_write_raster(tmp_path / driver, driver)) is kind
    with sqlite3.connect(tmp_path / "c.db") as database:
        database.execute("CREATE TABLE x (y)")
    database.close()
    assert kind_of(tmp_path / "c.db") is None


@given(st.binary(max_size=300))
def test_any_bytes_have_a_kind_or_none(head: bytes) -> None:
    assert kind_of_head(head) in (None, *FileKind)
