import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine
from shapely.geometry import shape

from sam_backend.__main__ import main
from sam_backend.masks.rle_coco import decode_coco_rle
from sam_backend.predict.picture import read_picture
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts

Run = Callable[..., int]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8)


@pytest.fixture
def picture(image: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(image).save(path)
    return path


@pytest.fixture
def geotiff(image: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "map.tif"
    options = {"driver": "GTiff", "height": 50, "width": 90, "count": 3, "dtype": "uint8"}
    with rasterio.open(
        path, "w", crs="EPSG:4326", transform=Affine(1e-5, 0, -77.1, 0, -1e-5, 38.9), **options
    ) as raster:
        raster.write(image.transpose(2, 0, 1))
    return path


@pytest.fixture
def run(tiny_checkpoint: Path) -> Run:
    def call(command: str, *words: object) -> int:
        return main([command, *map(str, words), "--checkpoint", str(tiny_checkpoint), "--device", "cpu"])

    return call


def test_json_holds_the_masks_in_the_models_order(
    run: Run,
    picture: Path,
    image: np.ndarray,
    tiny_predictor: Predictor,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.json"
    assert run("segment", picture, "--point", "40,20", "--point", "80,5,0", "-o", out) == 0
    content = json.loads(out.read_text())
    assert content["image"] == {"file_name": "picture.png", "height": 50, "width": 90}
    prompts = Prompts.of(points=[(40, 20, True), (80, 5, False)])
    answer = tiny_predictor.segment(tiny_predictor.embed(image), prompts)
    for record, mask, iou in zip(content["masks"], answer.masks, answer.predicted_iou, strict=True):
        np.testing.assert_array_equal(decode_coco_rle(record["segmentation"]), mask)
        assert record["area"] == mask.sum()
        assert len(record["bbox"]) == 4
        assert record["predicted_iou"] == pytest.approx(float(iou), abs=1e-5)
    printed = capsys.readouterr().out
    assert [f"mask {number}: predicted IoU" in printed for number in (1, 2, 3)] == [True] * 3
    assert printed.count("<- best") == 1


def test_single_gives_one_mask(run: Run, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run("segment", picture, "--box", "10,10,60,40", "--single", "-o", out) == 0
    assert len(json.loads(out.read_text())["masks"]) == 1


def test_png_shows_the_prompts(run: Run, picture: Path, image: np.ndarray, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert run("segment", picture, "--point", "40,20", "--point", "80,30,0", "--box", "10,5,70,45", "-o", out) == 0
    drawn = read_picture(out)
    assert drawn.shape == image.shape
    assert drawn[20, 40].tolist() == [50, 205, 50]
    assert drawn[30, 80].tolist() == [230, 40, 40]
    assert drawn[5, 30].tolist() == [50, 205, 50]


def test_geojson_of_a_plain_picture_is_in_pixels(run: Run, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.geojson"
    assert run("segment", picture, "--box", "10,10,60,40", "-o", out) == 0
    collection = json.loads(out.read_text())
    assert len(collection["features"]) == 3
    for feature in collection["features"]:
        assert shape(feature["geometry"]).area == feature["properties"]["area_px"]


def test_geojson_of_a_georeferenced_picture_is_on_the_map(run: Run, geotiff: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.geojson"
    assert run("segment", geotiff, "--box", "10,10,60,40", "-o", out) == 0
    geometries = [shape(feature["geometry"]) for feature in json.loads(out.read_text())["features"]]
    west, south, east, north = np.array([one.bounds for one in geometries if not one.is_empty]).T
    assert west.min() >= -77.1
    assert east.max() <= -77.1 + 90e-5
    assert south.min() >= 38.9 - 50e-5
    assert north.max() <= 38.9


def test_raster_takes_western_and_negative_coordinates(run: Run, geotiff: Path, tmp_path: Path) -> None:
    by_map, by_pixel = tmp_path / "map.geojson", tmp_path / "pixel.geojson"
    assert run("raster", geotiff, by_map, "--box", "-77.0999,38.8995,-77.0994,38.8998") == 0
    assert run("segment", geotiff, "--box", "10,20,60,50", "-o", by_pixel) == 0
    (feature,) = json.loads(by_map.read_text())["features"]
    candidates = json.loads(by_pixel.read_text())["features"]
    best = max(candidates, key=lambda one: one["properties"]["predicted_iou"])
    ours, theirs = shape(feature["geometry"]), shape(best["geometry"])
    assert ours.symmetric_difference(theirs).area <= 0.02 * theirs.area
    assert feature["properties"]["predicted_iou"] == pytest.approx(best["properties"]["predicted_iou"], abs=1e-3)


BAD_WORDS = {
    "no prompt": ([], "no prompt came"),
    "outside": (["--point", "900,20"], "the point 900,20 lies outside the picture, which is 90 x 50"),
    "no area": (["--box", "10,10,10,40"], "the box 10,10,10,40 has no area"),
    "no numbers": (["--point", "a,b"], "'a,b' isn't numbers"),
    "one number": (["--point", "4"], "'4' isn't at least two numbers"),
    "odd label": (["--point", "4,4,7"], "'4,4,7' is no point"),
    "three corners": (["--box", "1,2,3"], "'1,2,3' is no box"),
    "unknown device": (["--point", "4,4", "--device", "gpu"], "the device 'gpu' can't be used"),
}


@pytest.mark.parametrize(("words", "sentence"), BAD_WORDS.values(), ids=BAD_WORDS.keys())
def test_bad_words_give_one_line_and_code_2(
    words: list[str],
    sentence: str,
    picture: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = ["segment", str(picture), "--checkpoint", str(tiny_checkpoint), "-o", str(tmp_path / "out.json"), *words]
    assert exit_code(argv) == 2
    assert_one_line(capsys.readouterr().err, sentence)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("out.txt", "should end in .json or .png or .geojson"),
        ("missing/out.json", "lies in a folder that doesn't exist"),
    ],
    ids=["unknown ending", "missing folder"],
)
def test_an_output_that_cannot_be_is_said_at_once(
    output: str, sentence: str, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["segment", str(picture), "--point", "1,1", "-o", str(tmp_path / output)]) == 2
    assert_one_line(capsys.readouterr().err, sentence)


def test_the_picture_itself_is_no_output(
    run: Run, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, before = tmp_path / "link.png", picture.read_bytes()
    link.symlink_to(picture)
    for source, output in ((picture, picture), (picture, link), (link, picture)):
        assert run("segment", source, "--point", "1,1", "-o", output) == 2
        assert_one_line(
            capsys.readouterr().err, f"the output {output} would replace the picture {source}: give another"
        )
        assert picture.read_bytes() == before


@pytest.mark.parametrize("name", ["out.json", "out.png", "out.geojson"])
def test_a_place_that_cannot_be_written_is_said(
    name: str, run: Run, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).mkdir()
    assert run("segment", picture, "--point", "1,1", "-o", tmp_path / name) == 2
    assert_one_line(capsys.readouterr().err, f"{name} can't be read or written (Is a directory): give another place")


def test_what_is_no_picture_gives_one_line_and_code_2(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in {"a.png": b"text", "b.tif": b"text"}.items():
        (tmp_path / name).write_bytes(content)
        assert run("segment", tmp_path / name, "--point", "1,1", "-o", tmp_path / "out.json") == 2
        assert_one_line(capsys.readouterr().err, f"{name} is no picture")


def exit_code(argv: list[str]) -> object:
    try:
        return main(argv)
    except SystemExit as end:
        return end.code


def assert_one_line(text: str, sentence: str) -> None:
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert sentence in text
