import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_set_files import PICTURE_HW, annotation, block, coco, write_json, write_picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as pycocotools_mask
from pycocotools.coco import COCO
from scipy.ndimage import binary_dilation, binary_erosion

from sam_backend.errors import DatasetError, ImageError
from sam_backend.training.data.coco import CocoPictures, open_coco
from sam_backend.training.data.coco_records import annotation_masks
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.sample import all_masks

pycocotools_decodes = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""It isn't ready for all of numpy 2."""

SQUARE = [10, 5, 30, 5, 30, 25, 10, 25]
SQUARE_MASK = block(5, 10, 25, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_picture(tmp_path / "images" / "1.jpg")
    return tmp_path


def opened(folder: Path, *annotations: object, images: Path | None = None, with_crowds: bool = False) -> CocoPictures:
    return open_coco(write_json(folder / "coco.json", coco(*annotations)), images, with_crowds)


def uncompressed(mask: np.ndarray) -> dict[str, Any]:
    pixels = mask.T.ravel()
    turns = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts = np.diff(turns, prepend=0, append=pixels.size).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if pixels[0] else counts}


def compressed(mask: np.ndarray) -> dict[str, Any]:
    rle = pycocotools_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


KINDS = {
    "polygon": [SQUARE],
    "compressed RLE": compressed(SQUARE_MASK),
    "uncompressed RLE": uncompressed(SQUARE_MASK),
}


@pytest.mark.parametrize("segmentation", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_segmentation_is_read(segmentation: object, folder: Path) -> None:
    pictures = opened(folder, annotation(segmentation))
    picture = pictures.read("1.jpg")
    assert picture.image.shape == (*PICTURE_HW, 3)
    np.testing.assert_array_equal(all_masks(picture.masks), [SQUARE_MASK])
    assert len(pictures.skipped) == 0


def test_the_polygons_of_one_annotation_are_one_object(folder: Path) -> None:
    picture = opened(folder, annotation([SQUARE, [50, 50, 60, 50, 60, 55, 50, 55]])).read("1.jpg")
    np.testing.assert_array_equal(all_masks(picture.masks), [SQUARE_MASK | block(50, 50, 55, 60)])


masks = arrays(np.bool_, (9, 7))


@given(mask=masks)
def test_any_mask_survives_both_rle_of_pycocotools(mask: np.ndarray) -> None:
    skipped = SkippedItems()
    listed = [annotation(compressed(mask)), annotation(uncompressed(mask))]
    np.testing.assert_array_equal(all_masks(annotation_masks(listed, "p", (9, 7), skipped)), [mask, mask])
    assert len(skipped) == 0


coordinates = st.tuples(st.integers(0, 79), st.integers(0, 59))


@pycocotools_decodes
@given(corners=st.tuples(coordinates, coordinates, coordinates))
def test_a_triangle_differs_from_pycocotools_along_its_outline_only(corners: tuple[tuple[int, int], ...]) -> None:
    flat = [float(number) for corner in corners for number in corner]
    official = pycocotools_mask.decode(pycocotools_mask.frPyObjects([flat], *PICTURE_HW))[..., 0] > 0
    ours = annotation_masks([annotation([flat])], "p", PICTURE_HW, SkippedItems())[0]
    grid_yx = np.argwhere(ours != official) + 0.5
    for y, x in grid_yx:
        assert min(_distance((x, y), one, other) for one, other in _sides(corners)) <= 1.0


def _sides(corners: tuple[tuple[int, int], ...]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return list(zip(corners, corners[1:] + corners[:1], strict=True))


def _distance(point_xy: tuple[float, float], start_xy: tuple[int, int], end_xy: tuple[int, int]) -> float:
    point, start, along = np.array(point_xy), np.array(start_xy), np.subtract(end_xy, start_xy)
    share = np.clip((point - start) @ along / max(1, along @ along), 0, 1)
    return float(np.hypot(*(point - start - share * along)))


def test_crowds_are_left_out_unless_asked_for(folder: Path) -> None:
    crowd = annotation(uncompressed(SQUARE_MASK), iscrowd=1)
    assert len(opened(folder, annotation([SQUARE]), crowd).read("1.jpg").masks) == 1
    assert len(opened(folder, annotation([SQUARE]), crowd, with_crowds=True).read("1.jpg").masks) == 2
    with pytest.raises(DatasetError, match="no picture with a segmentation"):
        opened(folder, crowd)


DAMAGED = {
    "no-segmentation": ([], "has no segmentation"),
    "text": ("0 0 1 1", "an RLE or a list of polygons, got str"),
    "flat-list": ([1, 2, 3, 4, 5, 6], r"3 corners or more, got the shape \(\)"),
    "a-box": ([[1, 2, 3, 4]], r"got the shape \(4,\)"),
    "odd": ([[1, 2, 3, 4, 5, 6, 7]], r"got the shape \(7,\)"),
    "words": ([["a", "b"]], "got other things in it"),
    "ragged": ([[[1, 2], [3]]], "got other things in it"),
    "nan": ([[1, 2, 3, 4, 5, float("nan")]], "NaN or infinity"),
    "rle-cut-off": ({"size": [60, 80], "counts": "ab"}, "add up to|ends in the middle"),
    "rle-of-another-size": (compressed(np.ones((3, 4), np.bool_)), "of a picture of 4 x 3 px"),
    "rle-without-counts": ({"size": [60, 80]}, "'size' and 'counts'"),
}


@pytest.mark.parametrize(("segmentation", "reason"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_annotation_is_named_and_costs_no_other(segmentation: object, reason: str, folder: Path) -> None:
    pictures = opened(folder, annotation(segmentation, id=6), annotation([SQUARE], id=7))
    for _ in range(2):
        np.testing.assert_array_equal(all_masks(pictures.read("1.jpg").masks), [SQUARE_MASK])
    (item, why), *others = pictures.skipped.reasons.items()
    assert item.startswith("annotation 6")
    assert not others
    assert re.search(reason, why)


ENTRIES = {
    "annotation-without-picture": ("annotations", {"id": 3, "segmentation": [SQUARE]}, "annotation 3"),
    "annotation-that-is-a-word": ("annotations", "word", "annotation [1]"),
    "annotation-of-a-picture-that-is-not-listed": (
        "annotations",
        annotation([SQUARE], image_id=99, id=4),
        "annotation 4",
    ),
    "picture-without-name": ("images", {"id": 2}, "the picture {'id': 2}"),
    "picture-that-is-a-number": ("images", 5, "the picture 5"),
    "picture-listed-twice": ("images", {"id": 2, "file_name": "1.jpg"}, "the picture 2"),
}


@pytest.mark.parametrize(("where", "entry", "item"), ENTRIES.values(), ids=ENTRIES.keys())
def test_a_damaged_entry_is_named_and_costs_no_other(where: str, entry: object, item: str, folder: Path) -> None:
    document = coco(annotation([SQUARE]))
    document[where].append(entry)
    pictures = CocoPictures(document, folder / "coco.json")
    assert pictures.names == ["1.jpg"]
    assert list(pictures.skipped.reasons) == [item]


def test_pictures_without_file_are_named_and_those_without_annotation_left_out(folder: Path) -> None:
    document = coco(annotation([SQUARE]), annotation([SQUARE], image_id=2))
    document["images"] += [{"id": 2, "file_name": "gone.jpg"}, {"id": 3, "file_name": "nothing on it.jpg"}]
    pictures = CocoPictures(document, folder / "coco.json")
    assert pictures.names == ["1.jpg"]
    assert list(pictures.skipped.reasons) == ["the picture gone.jpg"]


FAULTS = {
    "no-json": ("{", "is no JSON, or cut off"),
    "no-utf-8": (b"\xff\xfe\x00", "is no JSON, or cut off"),
    "too-deep": ("[" * 100_000, "is no JSON, or cut off"),
    "a-list": ("[]", "isn't COCO's JSON"),
    "no-annotations": ('{"images": []}', "isn't COCO's JSON"),
    "empty": ('{"images": [], "annotations": []}', "holds no picture with a segmentation"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_useless_file_is_an_error(content: str | bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "coco.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DatasetError, match=message):
        open_coco(file)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"coco\.json can't be opened: No such file"):
        open_coco(tmp_path / "coco.json")


def test_a_folder_without_the_pictures_is_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / "images" / "1.jpg").unlink()
    with pytest.raises(DatasetError, match=r"e\.g\. 1\.jpg lie neither beside it nor"):
        opened(folder, annotation([SQUARE]))
    with pytest.raises(DatasetError, match=r"no picture of .*, e\.g\. 1\.jpg, is in"):
        opened(folder, annotation([SQUARE]), images=tmp_path)


def test_a_picture_of_another_size_is_named(folder: Path) -> None:
    document = coco(annotation([SQUARE]), hw=(80, 60))
    with pytest.raises(DatasetError, match=r"1\.jpg is 80 x 60 px, but its annotations are of a picture of 60 x 80"):
        CocoPictures(document, folder / "coco.json").read("1.jpg")


def test_a_picture_without_stated_size_is_read(folder: Path) -> None:
    document = coco(annotation([SQUARE]))
    del document["images"][0]["height"]
    np.testing.assert_array_equal(CocoPictures(document, folder / "coco.json").read("1.jpg").masks[0], SQUARE_MASK)


def test_a_damaged_picture_is_named(folder: Path) -> None:
    (folder / "images" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"1\.jpg is no picture"):
        opened(folder, annotation([SQUARE])).read("1.jpg")


@pycocotools_decodes
@pytest.mark.parametrize("file", ["nuts/trainval.json", "coco_free/instances.json"])
def test_real_annotations_equal_those_of_pycocotools(file: str, shared: Path) -> None:
    pictures = open_coco(shared / "data" / file, with_crowds=True)
    official = COCO(shared / "data" / file)
    n_objects = 0
    for record in official.loadImgs(official.getImgIds()):
        masks = pictures.read(record["file_name"]).masks
        annotations = official.loadAnns(official.getAnnIds(imgIds=record["id"]))
        assert len(masks) == len(annotations)
        n_objects += len(masks)
        for index, wanted in list(enumerate(annotations))[:1]:
            assert _is_equal_but_for_its_outline(masks[index], official.annToMask(wanted) > 0)
    assert n_objects == {"nuts/trainval.json": 165, "coco_free/instances.json": 74}[file]
    assert len(pictures.skipped) == 0


def _is_equal_but_for_its_outline(mask: np.ndarray, truth: np.ndarray) -> bool:
    """Whether two masks differ along their outlines only, but for a pixel where a ring crosses itself."""
    around = np.ones((3, 3))
    too_little = binary_erosion(truth, around) & ~mask
    too_much = mask & ~binary_dilation(truth, around)
    return int(too_little.sum() + too_much.sum()) <= 1
