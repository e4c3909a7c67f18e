from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_set_files import (
    annotation,
    block,
    coco,
    geojson,
    noise_bands,
    square_utm,
    write_json,
    write_picture,
    write_raster,
)
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.masks.rle_coco import encode_coco_rle
from sam_backend.training.data.coco import CocoPictures
from sam_backend.training.data.geotiff import LabelledRaster
from sam_backend.training.data.label_folder import LabelFolder
from sam_backend.training.data.label_studio_export import LabelStudioPictures
from sam_backend.training.data.open_pictures import OpenOptions, open_pictures
from sam_backend.training.data.sa1b import Sa1bFolder
from sam_backend.training.data.tiling import Tiling
from sam_backend.training.sample import PictureSet

MASK = block(5, 10, 25, 30)
RLE = encode_coco_rle(MASK)


def label_folder(folder: Path) -> Path:
    write_picture(folder / "images" / "1.jpg")
    (folder / "labels").mkdir()
    Image.fromarray(MASK.astype(np.uint8)).save(folder / "labels" / "1.png")
    return folder


def sa1b(folder: Path) -> Path:
    write_picture(folder / "sa_1.jpg")
    write_json(folder / "sa_1.json", {"annotations": [annotation(RLE)]})
    return folder


def coco_file(folder: Path) -> Path:
    write_picture(folder / "images" / "1.jpg")
    return write_json(folder / "any name.json", coco(annotation(RLE)))


def coco_folder(folder: Path) -> Path:
    return coco_file(folder).parent


def label_studio(folder: Path) -> Path:
    write_picture(folder / "1.jpg")
    value = {"points": [[12.5, 100 / 12], [37.5, 100 / 12], [37.5, 125 / 3], [12.5, 125 / 3]]}
    return write_json(
        folder / "project-1.json", [{"data": {"image": "1.jpg"}, "annotations": [{"result": [{"value": value}]}]}]
    )


def geotiff(folder: Path) -> Path:
    write_json(folder / "roofs.geojson", geojson(square_utm(10, 5, 20)))
    return write_raster(folder / "town.tif", noise_bands(60, 80))


def geotiff_folder(folder: Path) -> Path:
    return geotiff(folder).parent


KINDS = {
    "label-folder": (label_folder, LabelFolder),
    "sa1b": (sa1b, Sa1bFolder),
    "coco": (coco_file, CocoPictures),
    "coco-folder": (coco_folder, CocoPictures),
    "label-studio": (label_studio, LabelStudioPictures),
    "geotiff": (geotiff, LabelledRaster),
    "geotiff-folder": (geotiff_folder, LabelledRaster),
}


@pytest.mark.parametrize(("make", "kind"), KINDS.values(), ids=KINDS.keys())
def test_a_data_set_is_recognised_and_read(
    make: Callable[[Path], Path], kind: type[PictureSet], tmp_path: Path
) -> None:
    pictures = open_pictures(make(tmp_path))
    assert isinstance(pictures, kind)
    (name,) = pictures.names
    picture = pictures.read(name)
    assert picture.image.shape == (60, 80, 3)
    assert len(picture.masks) == 1
    np.testing.assert_array_equal(picture.masks[0], MASK)
    assert len(pictures.skipped) == 0


def test_pictures_elsewhere_can_be_given(tmp_path: Path) -> None:
    file = coco_file(tmp_path)
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    assert open_pictures(file, OpenOptions(images=tmp_path / "elsewhere")).names == ["1.jpg"]


def test_a_raster_of_any_ending_with_given_polygons_is_cut_as_asked(tmp_path: Path) -> None:
    raster = geotiff(tmp_path).rename(tmp_path / "town.img")
    for number in range(2):
        write_json(tmp_path / f"{number}.geojson", geojson())
    options = OpenOptions(polygons=tmp_path / "roofs.geojson", polygons_crs="raster", tiling=Tiling(40, 0))
    assert open_pictures(raster, options).names == ["town_r0_c0", "town_r1_c0"]


def test_of_several_polygon_files_the_one_of_the_rasters_name_is_taken(tmp_path: Path) -> None:
    raster = geotiff(tmp_path)
    write_json(tmp_path / "town.geojson", geojson(square_utm(10, 5, 20), square_utm(50, 5, 3)))
    assert len(open_pictures(raster).read("town_r0_c0").masks) == 2


@pytest.mark.parametrize("names", [[], ["a.geojson", "b.gpkg"]], ids=["none", "two"])
def test_unclear_polygons_are_an_error(names: list[str], tmp_path: Path) -> None:
    raster = write_raster(tmp_path / "town.tif", noise_bands(6, 8))
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(
        DatasetError, match=f"isn't clear, {', '.join(names) or 'none'} beside it: name one town.geojson"
    ):
        open_pictures(raster)


NOT_UNDERSTOOD = {
    "missing": ("gone", None, "doesn't exist: give a folder with images/ and labels/"),
    "text": ("set.txt", "words", "isn't a data set that is understood: give a folder with images/ and labels/"),
    "other-json": ("set.json", '{"a": 1}', r"neither COCO's JSON .* nor Label Studio's"),
    "no-json": ("set.json", "{", "is no JSON"),
}


@pytest.mark.parametrize(("name", "content", "message"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_what_is_not_understood_is_said_with_what_is(
    name: str, content: str | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=message):
        open_pictures(tmp_path / name)


def test_a_folder_of_nothing_or_of_two_sets_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no data set, or more than one: give a folder with"):
        open_pictures(tmp_path)
    coco_file(tmp_path)
    geotiff(tmp_path)
    with pytest.raises(DatasetError, match="more than one"):
        open_pictures(tmp_path)
