"""``raster`` and ``refilter``, as typed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import Affine
from scipy import ndimage

from sam_backend.__main__ import main
from sam_backend.geo.run.journal import Journal

Run = Callable[..., int]
GRID = ("--tile-size", "64", "--overlap", "16", "--points-per-side", "3")
EVERYTHING = (*GRID, "--pred-iou-thresh", "0", "--stability-score-thresh", "0")


@pytest.fixture
def geotiff(tmp_path: Path) -> Path:
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(3, 100, 150)), (0, 6, 6))
    path = tmp_path / "map.tif"
    options = {"driver": "GTiff", "height": 100, "width": 150, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32636", transform=Affine(0.5, 0, 3e5, 0, -0.5, 5e6), **options) as raster:
        raster.write(np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8))
    return path


@pytest.fixture
def run(geotiff: Path, tiny_checkpoint: Path) -> Run:
    def call(output: Path, *words: object) -> int:
        return main(
            [*map(str, ["raster", geotiff, output, *words, "--checkpoint", tiny_checkpoint, "--device", "cpu"])]
        )

    return call


def test_a_raster_becomes_a_map_file_and_is_filtered_anew(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, fewer = tmp_path / "out.gpkg", tmp_path / "fewer.fgb"
    assert run(out, *EVERYTHING, "--no-heal") == 0
    said = capsys.readouterr()
    assert "tiles: 6 done, 0 without data, 0 failed" in said.out
    assert "embedded" not in said.err
    objects = geopandas.read_file(out, layer="objects")
    assert f"wrote {out}: {len(objects)} objects" in said.out
    least_m2 = float(objects.area_m2.median())
    assert main(["refilter", f"{out}.journal", str(fewer), "--min-area", str(least_m2), "--simplify", "0"]) == 0
    assert 0 < len(geopandas.read_file(fewer)) < len(objects)


def test_boxes_are_answered_one_by_one(run: Run, tmp_path: Path) -> None:
    boxes = geopandas.GeoDataFrame(geometry=[shapely.box(300010, 4999970, 300030, 4999990)], crs="EPSG:32636")
    boxes.to_file(tmp_path / "boxes.gpkg")
    asked = ("--prompts", tmp_path / "boxes.gpkg", "--prompt-kind", "boxes", "--tile-size", "64", "--overlap", "16")
    assert run(tmp_path / "out.gpkg", *asked) == 0
    assert len(geopandas.read_file(tmp_path / "out.gpkg", layer="objects")) <= 1


def test_a_run_that_was_left_isnt_lost_by_accident(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.gpkg"
    assert run(out, *EVERYTHING) == 0
    assert run(out, *EVERYTHING) == 2
    assert "resume goes on with it, restart begins anew, and refilter" in capsys.readouterr().err
    assert run(out, *EVERYTHING, "--resume") == 0
    assert run(out, *EVERYTHING, "--restart") == 0
    assert run(out, *GRID, "--resume") == 2
    assert "another automatic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("out.shp", (), "ends in no format of map features"),
        ("missing/out.gpkg", (), "lies in a folder that doesn't exist"),
        ("out.gpkg", ("--tile-size", "64", "--overlap", "64"), "can't overlap by 64 px"),
        ("out.gpkg", ("--points-per-side", "3", "--prompts", "x.gpkg"), "is for automatic masks, but prompts were"),
        ("out.gpkg", ("--prompts", "x.gpkg"), "can't be read"),
        ("out.gpkg", ("--area", "x.gpkg"), "can't be read"),
        ("out.gpkg", ("--bands", "7"), "band"),
        ("out.gpkg", ("--resume",), "there is no run's journal"),
        ("out.gpkg", ("--point", "300010,4999970"), "one object is written as GeoJSON"),
    ],
    ids=["ending", "folder", "overlap", "both", "prompts", "area", "bands", "nothing to resume", "one object"],
)
def test_bad_words_give_one_line_and_code_2(
    name: str, words: tuple[str, ...], sentence: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / name, *words) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert sentence in line
    assert not list(tmp_path.glob("*.journal"))


def _gpkg(path: Path) -> Path:
    boxes = geopandas.GeoDataFrame(geometry=[shapely.box(300010, 4999970, 300030, 4999990)], crs="EPSG:32636")
    boxes.to_file(path)
    return path


@pytest.mark.parametrize(
    ("output", "words", "sentence"),
    [
        ("in.gpkg", ("--prompts", "in.gpkg"), "the output {0}/in.gpkg is the prompts too"),
        ("link.gpkg", ("--prompts", "in.gpkg"), "the output {0}/link.gpkg is the prompts too"),
        ("in.gpkg", ("--area", "sub/../in.gpkg"), "the output {0}/in.gpkg is the area too"),
        ("out.gpkg", ("--journal", "map.tif", "--restart"), "the journal {0}/map.tif is the raster too"),
        ("out.gpkg", ("--journal", "in.gpkg", "--area", "in.gpkg"), "the journal {0}/in.gpkg is the area too"),
        ("out.gpkg", ("--journal", "out.gpkg"), "the output {0}/out.gpkg is the journal too"),
        ("out.gpkg", ("--journal", "in.gpkg"), "in.gpkg is no run's journal"),
    ],
    ids=["prompts", "a link to prompts", "area", "raster", "area for journal", "journal", "any file for journal"],
)
def test_no_file_is_overwritten_that_somebody_needs(
    output: str, words: tuple[str, ...], sentence: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.gpkg").symlink_to(_gpkg(tmp_path / "in.gpkg"))
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert run(tmp_path / output, *(tmp_path / word if "." in word else word for word in words)) == 2
    assert sentence.format(tmp_path) in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_raster_in_a_geopackage_isnt_overwritten(
    geotiff: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.gpkg"
    with rasterio.open(geotiff) as raster, rasterio.open(path, "w", **raster.profile | {"driver": "GPKG"}) as copy:
        copy.write(raster.read())
    before = path.read_bytes()
    assert main(["raster", str(path), str(path), "--checkpoint", str(tiny_checkpoint)]) == 2
    assert "is the raster too, which would be overwritten: give the output another name" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_refilter_overwrites_nothing_that_the_run_read(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, out = _gpkg(tmp_path / "in.gpkg"), tmp_path / "out.gpkg"
    assert run(out, "--prompts", prompts, "--tile-size", "64", "--overlap", "16", "--journal", tmp_path / "j.fgb") == 0
    before = prompts.read_bytes()
    assert main(["refilter", str(tmp_path / "j.fgb"), str(prompts)]) == 2
    assert "is the prompts too" in capsys.readouterr().err
    assert main(["refilter", str(tmp_path / "j.fgb"), str(tmp_path / "j.fgb")]) == 2
    assert "is the journal too" in capsys.readouterr().err
    assert prompts.read_bytes() == before


POINT = ("--point", "300030,4999980")


@pytest.mark.parametrize(
    "words",
    [
        ("--prompts", "x.gpkg"),
        ("--area", "x.gpkg"),
        ("--tile-size", "64"),
        ("--points-per-side", "3"),
        ("--min-score", "0.99"),
        ("--keep-pieces",),
        ("--journal", "x"),
        ("--scheduler", "tcp://x:1"),
        ("--resume",),
        ("--restart",),
        ("--no-heal",),
    ],
    ids=lambda words: words[0],
)
def test_one_object_refuses_by_name_what_it_doesnt_heed(
    words: tuple[str, ...], run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "one.geojson", *POINT, *words) == 2
    assert f"{words[0]} is for whole runs, but --point and --box ask for one object" in capsys.readouterr().err
    assert not (tmp_path / "one.geojson").exists()


@pytest.mark.parametrize(
    ("crs", "sentence"),
    [(None, "areas in square metres can't be told, as the raster has no CRS"), ("EPSG:4326", "don't fit its CRS")],
    ids=["no CRS", "another CRS"],
)
def test_areas_that_nobody_can_tell_are_refused_before_the_model_works(
    crs: str | None, sentence: str, geotiff: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rasterio.open(geotiff) as raster:
        profile, pixels = raster.profile | {"crs": crs}, raster.read()
    with rasterio.open(geotiff, "w", **profile) as raster:
        raster.write(pixels)
    assert run(tmp_path / "out.gpkg", *EVERYTHING, "--min-area", "5") == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob("*.journal"))


def test_a_run_refuses_what_only_one_object_heeds(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "out.gpkg", "--single") == 2
    assert "--single is for one object, but a whole run was asked for" in capsys.readouterr().err


def test_one_object_is_read_as_told(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in ((), ("--bands", "2"), ("--ground-size", "2")):
        assert run(tmp_path / "one.geojson", *POINT, *words) == 0
        said.append(capsys.readouterr().out)
    assert len(set(said)) == 3  # other pixels, other scores
    assert run(tmp_path / "one.geojson", *POINT, "--bands", "7") == 2


def test_one_object_needs_a_folder_that_exists(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "missing" / "one.geojson", *POINT) == 2
    assert "lies in a folder that doesn't exist: make it first" in capsys.readouterr().err


def test_ctrl_c_ends_at_once_and_keeps_finished_tiles(geotiff: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gpkg"
    words = ["raster", geotiff, out, "--tile-size", "64", "--overlap", "60", "--points-per-side", "20"]
    words += ["--checkpoint", tiny_checkpoint, "--device", "cpu"]
    started = subprocess.Popen(
        [sys.executable, "-m", "sam_backend", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    journal = tmp_path / "out.gpkg.journal"
    until = time.monotonic() + 120
    while not (journal.exists() and Journal.open_existing(journal).reports()) and time.monotonic() < until:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    asked_s = time.monotonic()
    _, said = started.communicate(timeout=60)
    assert time.monotonic() - asked_s < 10  # promised is one second
    assert started.returncode == 130
    assert "the same command with --resume goes on" in said
    assert Journal.open_existing(journal).finished()
