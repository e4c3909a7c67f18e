import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from record_of import box_mask, record_of

from sam_backend.errors import MaskError, OptionsError
from sam_backend.predict.automatic.annotation_files import (
    begins_as_written,
    coco_content,
    read_sa1b,
    sa1b_content,
    write_json,
)
from sam_backend.predict.automatic.records import MaskRecord

IMAGE_HW = (40, 60)
MASKS = [box_mask(IMAGE_HW, (5, 6, 15, 26)), box_mask(IMAGE_HW, (30, 0, 31, 40))]
RECORDS = [record_of(mask) for mask in MASKS]


def test_an_sa1b_file_has_its_keys_and_short_boxes() -> None:
    content = sa1b_content(RECORDS, IMAGE_HW, "sa_223750.jpg")
    assert content["image"] == {"image_id": 223750, "width": 60, "height": 40, "file_name": "sa_223750.jpg"}
    first, second = content["annotations"]
    rle = first.pop("segmentation")
    assert first == {
        "id": 1,
        "area": 200,
        "bbox": [5, 6, 9, 19],
        "predicted_iou": 0.9,
        "point_coords": [[1.5, 2.5]],
        "stability_score": 0.97,
        "crop_box": [0, 0, 60, 40],
    }
    assert rle == dict(RECORDS[0].runs.to_coco_rle())
    assert second["id"] == 2


def test_a_name_without_a_number_has_the_id_0() -> None:
    assert sa1b_content([], IMAGE_HW, "beach.jpg")["image"]["image_id"] == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools with numpy 2
def test_pycocotools_reads_the_coco_file_of_many_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = [sa1b_content(RECORDS, IMAGE_HW, "b.jpg"), sa1b_content([], IMAGE_HW, "c.jpg")]
    write_json(coco_content([*pictures, pictures[0]]), tmp_path / "coco.json")
    coco = COCO(str(tmp_path / "coco.json"))
    assert sorted(coco.imgs) == [1, 2, 3]
    assert sorted(coco.anns) == [1, 2, 3, 4]
    assert coco.getAnnIds(imgIds=[3]) == [3, 4]
    for number, mask in zip((1, 2), MASKS, strict=True):
        np.testing.assert_array_equal(coco.annToMask(coco.anns[number]), mask)
    assert coco.anns[1]["bbox"] == [5, 6, 10, 20]
    assert coco.anns[1]["area"] == 200


def test_the_mask_comes_as_pixels_or_as_run_lengths() -> None:
    (record,) = RECORDS[:1]
    np.testing.assert_array_equal(record.to_dict()["segmentation"], MASKS[0])
    counts = record.to_dict("uncompressed_rle")["segmentation"]["counts"]
    assert counts == [5 * 40 + 6, *[20, 20] * 9, 20, 14 + 45 * 40]
    with pytest.raises(OptionsError, match="'png' isn't known: choose one of binary_mask, uncompressed_rle, coco_rle"):
        record.to_dict("png")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["[]", "{}", "no json", '{"image": {}}'])
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(MaskError, match="isn't a file of masks as SA-1B has them"):
        read_sa1b(path)


def test_what_was_written_is_read_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    content = sa1b_content(RECORDS, IMAGE_HW, "a.jpg")
    write_json(content, tmp_path / "a.json")
    assert read_sa1b(tmp_path / "a.json") == json.loads(json.dumps(content))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "name", ["a.jpg", 'ü "quoted" \\.jpg', "\U0001f41f" * 62 + ".jpg"], ids=["plain", "odd", "long"]
)
@pytest.mark.parametrize("records", [RECORDS, []], ids=["masks", "no masks"])
def test_what_was_written_is_known_by_its_beginning(name: str, records: list[MaskRecord], tmp_path: Path) -> None:
    write_json(sa1b_content(records, IMAGE_HW, name), tmp_path / "a.json")
    assert begins_as_written(tmp_path / "a.json")
    write_json(coco_content([sa1b_content(records, IMAGE_HW, name)]), tmp_path / "coco.json")
    assert not begins_as_written(tmp_path / "coco.json")
