import contextlib
import json
import os
import resource
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from sam_backend.errors import MissingExtraError, OptionsError, RasterError, StorageError
from sam_backend.geo import vector_export
from sam_backend.geo.frame import outlines_to_map
from sam_backend.geo.layers import Feature, FieldKind, Layer
from sam_backend.geo.measures import GroundSize
from sam_backend.geo.object_layer import OBJECTS, ObjectFacts, object_feature
from sam_backend.geo.qa_layer import TILES, UNRESOLVED_CUTS, TileStatus, cut_feature, tile_feature
from sam_backend.geo.style import graded_qml
from sam_backend.geo.tiles import TileGrid
from sam_backend.geo.vector_file import create_vector_file

UTM = CRS.from_epsg(32636)
SOUTH_UP = Affine(0.5, 0, 300_000, 0, 0.5, 5_000_000)
FORMATS = ["gpkg", "fgb", "geojson", "parquet"]
LAYERS = [OBJECTS, TILES, UNRESOLVED_CUTS]


def _objects(count: int) -> list[Feature]:
    blocks = [shapely.box(20 * n, 5, 20 * n + 10, 20) - shapely.box(20 * n + 2, 7, 20 * n + 5, 9) for n in range(count)]
    facts = [ObjectFacts(n, score=n / count, tiles=1 + n % 2, seam_iou=0.8 if n % 2 else None) for n in range(count)]
    size = GroundSize(36.0, 30.0)
    outlines = outlines_to_map(blocks, SOUTH_UP)
    return [object_feature(outline, fact, size) for outline, fact in zip(outlines, facts, strict=True)]


def _write(path: Path, count: int = 5, crs: CRS | None = UTM) -> list[Feature]:
    features = _objects(count)
    with create_vector_file(path, LAYERS, crs, {"model": "tiny", "threshold": "0.5"}) as file:
        for start in range(0, count, 2):
            file.append("objects", features[start : start + 2])
    return features


def _read(path: Path) -> geopandas.GeoDataFrame:
    if path.suffix == ".parquet":
        return geopandas.read_parquet(path)
    return pyogrio.read_dataframe(path, layer="objects")


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_reads_back_with_place_fields_and_features(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"objects.{ending}"
    written = _write(path)
    frame = _read(path).sort_values("object_id").reset_index(drop=True)
    assert frame.crs == ("EPSG:4326" if ending == "geojson" else "EPSG:32636")
    assert set(frame.columns) == {*OBJECTS.fields, "geometry"}
    np.testing.assert_allclose(frame["score"], [0, 0.2, 0.4, 0.6, 0.8])
    np.testing.assert_array_equal(frame["seam_iou"].isna(), [True, False, True, False, True])
    assert frame["stability"].isna().all()
    placed = frame.geometry.to_crs("EPSG:32636") if ending == "geojson" else frame.geometry
    for found, feature in zip(placed, written, strict=True):
        assert found.hausdorff_distance(feature.geometry) < 1e-3
        assert len(found.geoms[0].interiors) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", FORMATS)
def test_rings_run_as_rfc_7946_says(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"objects.{ending}"
    _write(path)
    for found in _read(path).geometry:
        assert found.geoms[0].exterior.is_ccw
        assert not found.geoms[0].interiors[0].is_ccw


@pytest.mark.parametrize("ending", FORMATS)
def test_what_made_the_features_is_told_in_the_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"objects.{ending}"
    _write(path)
    if ending == "parquet":
        import pyarrow.parquet

        metadata = pyarrow.parquet.read_schema(path).metadata
        told = {key: metadata[key.encode()].decode() for key in ("model", "threshold")}
    else:
        told = pyogrio.read_info(path, layer="objects")["layer_metadata"]
        told = json.loads(told["DESCRIPTION"]) if ending == "geojson" else told
    assert told == {"model": "tiny", "threshold": "0.5"}


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_without_objects_is_a_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"objects.{ending}"
    _write(path, count=0)
    assert len(_read(path)) == 0


@pytest.mark.parametrize("ending", ["gpkg", "fgb", "parquet"])
def test_a_raster_without_a_crs_makes_features_without_one(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"objects.{ending}"
    _write(path, crs=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = _read(path)
    assert len(frame) == 5
    assert ending == "gpkg" or frame.crs is None


def test_geojson_without_a_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match="the raster has no CRS"):
        _write(tmp_path / "objects.geojson", crs=None)
    with pytest.raises(RasterError, match="can't be turned into longitude and latitude"):
        _write(tmp_path / "objects.geojson", crs=CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]'))
    assert not list(tmp_path.iterdir())


def test_a_geopackage_has_all_layers(tmp_path: Path) -> None:
    path = tmp_path / "objects.gpkg"
    tile = TileGrid(300, 100, 100, 0).tile(1)
    with create_vector_file(path, LAYERS, UTM) as file:
        file.append("objects", _objects(3))
        file.append("tiles", [tile_feature(tile, SOUTH_UP, TileStatus.DONE, seconds=0.25, objects=3)])
        file.append("unresolved_cuts", [cut_feature(1, shapely.MultiLineString([[(0, 0), (0, 5)]]), SOUTH_UP)])
        file.append("unresolved_cuts", [])
        assert file.n_features == {"objects": 3, "tiles": 1, "unresolved_cuts": 1}
    tiles = pyogrio.read_dataframe(path, layer="tiles")
    assert tiles.loc[0, ["tile", "status", "seconds", "objects"]].tolist() == [1, "done", 0.25, 3]
    assert tiles.geometry[0].bounds == (300_050, 5_000_000, 300_100, 5_000_050)
    assert pyogrio.read_dataframe(path, layer="unresolved_cuts").loc[0, "length_px"] == 5


def test_a_geopackage_opens_coloured_by_score(tmp_path: Path) -> None:
    path = tmp_path / "objects.gpkg"
    _write(path)
    database = sqlite3.connect(path)
    rows = database.execute("SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles")
    ((table, column, is_default, qml),) = rows.fetchall()
    database.close()
    assert (table, column, is_default) == ("objects", "geom", 1)
    renderer = ElementTree.fromstring(qml.partition(">")[2]).find("renderer-v2")  # noqa: S314 - our own text
    assert renderer is not None
    assert renderer.get("attr") == "score"
    ranges, symbols = renderer.findall("ranges/range"), renderer.findall("symbols/symbol")
    assert [entry.get("symbol") for entry in ranges] == [symbol.get("name") for symbol in symbols]
    assert [entry.get("label") for entry in ranges] == ["≤ 0.6", "0.6 - 0.7", "0.7 - 0.8", "0.8 - 0.9", "> 0.9"]
    edges = [float(entry.get("lower", "nan")) for entry in ranges] + [float(ranges[-1].get("upper", "nan"))]
    assert edges == sorted(edges)


@pytest.mark.parametrize("score", [-0.4, 0.0, 0.55, 0.95, 1.0, 1.3])
def test_a_score_beyond_0_and_1_has_a_colour_too(score: float) -> None:
    renderer = ElementTree.fromstring(graded_qml().partition(">")[2])  # noqa: S314 - our own text
    ranges = renderer.findall("renderer-v2/ranges/range")
    assert sum(float(one.get("lower", "")) < score <= float(one.get("upper", "")) for one in ranges) == 1


def test_an_older_file_is_replaced_only_at_a_good_end(tmp_path: Path) -> None:
    path = tmp_path / "objects.gpkg"
    _write(path, count=2)
    with pytest.raises(OptionsError), create_vector_file(path, LAYERS, UTM) as file:
        file.append("no such layer", _objects(4))
    assert len(_read(path)) == 2
    assert list(tmp_path.iterdir()) == [path]
    _write(path, count=4)
    assert len(_read(path)) == 4


def _read_from_a_broken_disk() -> None:
    raise OSError(5, "Input/output error")


def test_an_error_of_the_caller_stays_its_own(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="Input/output error") as error,
        create_vector_file(tmp_path / "objects.gpkg", LAYERS, UTM),
    ):
        _read_from_a_broken_disk()
    assert not isinstance(error.value, StorageError)
    assert not list(tmp_path.iterdir())


@contextlib.contextmanager
def _small_disk(free_bytes: int) -> Iterator[None]:
    """No file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FULL_DISK = r"can't be written \(.*\): make room or choose another folder"


def test_a_disk_that_fills_up_while_features_come_leaves_nothing(tmp_path: Path) -> None:
    with _small_disk(150_000), pytest.raises(StorageError, match=FULL_DISK) as error:
        _write(tmp_path / "objects.gpkg", count=2000)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def _write_until_full(path: Path, disk: contextlib.ExitStack) -> None:
    with create_vector_file(path, LAYERS, UTM) as file:
        file.append("objects", _objects(500))
        disk.enter_context(_small_disk(10_000))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_disk_that_fills_up_at_the_end_leaves_nothing(ending: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as disk, pytest.raises(StorageError, match=FULL_DISK):
        _write_until_full(tmp_path / f"objects.{ending}", disk)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cant_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="choose a folder that is there and may be written"):
        _write(tmp_path / "missing" / "objects.gpkg")
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(StorageError, match=r"folder\.gpkg is a folder"):
        _write(tmp_path / "folder.gpkg")


def test_an_unknown_ending_is_said(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"give a name in \.gpkg, \.fgb, \.geojson, \.parquet"):
        _write(tmp_path / "objects.shp")


def test_an_unknown_layer_or_field_is_said(tmp_path: Path) -> None:
    with create_vector_file(tmp_path / "objects.gpkg", [OBJECTS], UTM) as file:
        with pytest.raises(OptionsError, match="no layer 'tiles': its layers are objects"):
            file.append("tiles", [])
        with pytest.raises(OptionsError, match="the layer objects has no field 'colour'"):
            file.append("objects", [Feature(shapely.box(0, 0, 1, 1), {"colour": "red"})])


def test_geoparquet_without_pyarrow_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sam-backend\[parquet\]'"):
        vector_export.format_of(tmp_path / "objects.parquet", UTM)


def test_every_kind_of_field_may_be_missing(tmp_path: Path) -> None:
    kinds = {"real": FieldKind.REAL, "integer": FieldKind.INTEGER, "text": FieldKind.TEXT, "flag": FieldKind.FLAG}
    layer = Layer("things", "MultiPolygon", kinds)
    known = {"real": 0.5, "integer": 2**40, "text": "grün", "flag": True}
    with create_vector_file(tmp_path / "things.gpkg", [layer], UTM) as file:
        file.append("things", [Feature(shapely.box(0, 0, 1, 1), values) for values in (known, {}, {"real": np.nan})])
    rows = sqlite3.connect(tmp_path / "things.gpkg").execute("SELECT real, integer, text, flag FROM things").fetchall()
    assert rows == [(0.5, 2**40, "grün", 1), (None,) * 4, (None,) * 4]


def test_what_a_killed_writer_left_goes_when_the_file_is_written_again(tmp_path: Path) -> None:
    left, busy, of_another = (tmp_path / f".{name}.unfinished" for name in ("a.gpkg.x1", "a.gpkg.x2", "b.gpkg.x3"))
    for folder in (left, busy, of_another):
        folder.mkdir()
        (folder / "staged.gpkg").write_bytes(b"half")
    for folder in (left, busy, of_another):
        os.utime(folder, (0, 0))
        if folder != busy:
            os.utime(folder / "staged.gpkg", (0, 0))
    _write(tmp_path / "a.gpkg")
    assert sorted(path.name for path in tmp_path.iterdir()) == [busy.name, of_another.name, "a.gpkg"]
