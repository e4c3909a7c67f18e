from pathlib import Path

import numpy as np
import pytest
from data_set_files import PICTURE_HW, block, write_json, write_picture

from sam_backend.errors import DatasetError, ImageError
from sam_backend.masks.rle_coco import encode_coco_rle
from sam_backend.training.data.sa1b import Sa1bFolder
from sam_backend.training.sample import all_masks

MASK = block(5, 10, 25, 30)


def document(*segmentations: object, hw: tuple[int, int] = PICTURE_HW) -> dict[str, object]:
    return {
        "image": {"image_id": 1, "width": hw[1], "height": hw[0], "file_name": "sa_1.jpg"},
        "annotations": [
            {
                "id": 500 + index,
                "segmentation": segmentation,
                "bbox": [10, 5, 20, 20],
                "area": 400,
                "predicted_iou": 0.95,
                "stability_score": 0.97,
                "crop_box": [0, 0, hw[1], hw[0]],
                "point_coords": [[15.0, 10.0]],
            }
            for index, segmentation in enumerate(segmentations)
        ],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_picture(tmp_path / "sa_1.jpg")
    write_json(tmp_path / "sa_1.json", document(encode_coco_rle(MASK), encode_coco_rle(~MASK)))
    return tmp_path


def test_masks_are_read_in_order(folder: Path) -> None:
    pictures = Sa1bFolder(folder)
    assert pictures.names == ["sa_1"]
    picture = pictures.read("sa_1")
    assert picture.image.shape == (*PICTURE_HW, 3)
    np.testing.assert_array_equal(all_masks(picture.masks), [MASK, ~MASK])


def test_a_damaged_annotation_is_named_and_costs_no_other(folder: Path) -> None:
    rle = encode_coco_rle(MASK)
    cut_off = {**rle, "counts": rle["counts"][:-3]}
    write_json(folder / "sa_1.json", document(cut_off, rle))
    pictures = Sa1bFolder(folder)
    np.testing.assert_array_equal(all_masks(pictures.read("sa_1").masks), [MASK])
    assert list(pictures.skipped.reasons) == ["annotation 500 of sa_1"]


@pytest.mark.parametrize("annotation", ["word", {"id": 1}], ids=["word", "no-segmentation"])
def test_an_annotation_without_segmentation_is_named(annotation: object, folder: Path) -> None:
    write_json(folder / "sa_1.json", {"annotations": [annotation]})
    pictures = Sa1bFolder(folder)
    assert len(pictures.read("sa_1").masks) == 0
    assert list(pictures.skipped.reasons.values()) == ["it has no segmentation: a box alone is no mask"]


def test_a_json_without_picture_is_skipped(folder: Path) -> None:
    write_json(folder / "sa_2.json", document())
    pictures = Sa1bFolder(folder)
    assert pictures.names == ["sa_1"]
    assert list(pictures.skipped.reasons) == ["sa_2"]


@pytest.mark.parametrize("content", [[], {}, {"annotations": 3}], ids=["list", "nothing", "no-list"])
def test_other_json_is_named(content: object, folder: Path) -> None:
    write_json(folder / "sa_1.json", content)
    with pytest.raises(DatasetError, match=r"sa_1\.json isn't SA-1B's"):
        Sa1bFolder(folder).read("sa_1")


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / "sa_1.json").write_text("{")
    with pytest.raises(DatasetError, match=r"sa_1\.json is no JSON"):
        Sa1bFolder(folder).read("sa_1")
    (folder / "sa_1.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"sa_1\.jpg is no picture"):
        Sa1bFolder(folder).read("sa_1")


def test_a_picture_of_another_size_is_named(folder: Path) -> None:
    write_json(folder / "sa_1.json", document(hw=(80, 60)))
    with pytest.raises(DatasetError, match="sa_1 is 80 x 60 px, but its annotations are of a picture of 60 x 80"):
        Sa1bFolder(folder).read("sa_1")


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no picture of SA-1B: wanted sa_<id>\.jpg with sa_<id>\.json"):
        Sa1bFolder(tmp_path)
