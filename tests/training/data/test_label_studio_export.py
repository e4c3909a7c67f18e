import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_set_files import PICTURE_HW, block, write_json, write_picture
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import DatasetError, ImageError
from sam_backend.masks.png import encode_mask_png
from sam_backend.masks.rle_brush import encode_brush_rle
from sam_backend.training.data.label_studio_export import LabelStudioPictures, open_label_studio_export
from sam_backend.training.data.label_studio_regions import region_masks
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.sample import all_masks

MASK = block(15, 8, 45, 40)
POINTS_PCT = [[10, 25], [50, 25], [50, 75], [10, 75]]


def region(
    value: object, region_id: str = "r1", hw: tuple[int, int] = PICTURE_HW, kind: str = "brushlabels"
) -> dict[str, Any]:
    return {
        "id": region_id,
        "original_width": hw[1],
        "original_height": hw[0],
        "image_rotation": 0,
        "value": value,
        "from_name": "tag",
        "to_name": "image",
        "type": kind,
        "origin": "manual",
    }


def brush(mask: np.ndarray, region_id: str = "r1") -> dict[str, Any]:
    value = {"format": "rle", "rle": encode_brush_rle(mask), "brushlabels": ["Object"]}
    return region(value, region_id, mask.shape)


def polygon(points_pct: object, region_id: str = "r1", **more: object) -> dict[str, Any]:
    return region({"points": points_pct, "polygonlabels": ["Object"], **more}, region_id, kind="polygonlabels")


def bitmask(uri: str) -> dict[str, Any]:
    return region({"imageDataURL": uri, "bitmasklabels": ["Object"]}, kind="bitmasklabels")


def data_uri(mask: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(encode_mask_png(mask)).decode()


def annotation(*regions: object, **more: object) -> dict[str, Any]:
    return {"id": 9, "result": list(regions), "was_cancelled": False, "ground_truth": False, **more}


def task(*annotations: object, image: object = "/data/upload/7/71933f63-r.jpg", task_id: int = 19) -> dict[str, Any]:
    return {"id": task_id, "data": {"image": image}, "annotations": list(annotations), "predictions": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_picture(tmp_path / "photos" / "r.jpg")
    return tmp_path / "photos"


def opened(folder: Path, *tasks: object, data_key: str | None = None) -> LabelStudioPictures:
    return open_label_studio_export(write_json(folder.parent / "export.json", list(tasks)), folder, data_key)


KINDS = {"brush": brush(MASK), "polygon": polygon(POINTS_PCT), "bitmask": bitmask(data_uri(MASK))}


@pytest.mark.parametrize("one", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_region_is_read(one: dict[str, Any], folder: Path) -> None:
    pictures = opened(folder, task(annotation(one)))
    assert pictures.names == ["data/upload/7/71933f63-r.jpg"]
    picture = pictures.read(pictures.names[0])
    assert picture.image.shape == (*PICTURE_HW, 3)
    np.testing.assert_array_equal(all_masks(picture.masks), [MASK])


@given(seed=st.integers(0, 1000))
def test_any_brush_mask_survives(seed: int) -> None:
    mask = np.random.default_rng(seed).random((7, 9)) < 0.5
    skipped = SkippedItems()
    np.testing.assert_array_equal(all_masks(region_masks([brush(mask)], "p", (7, 9), skipped)), [mask])
    assert len(skipped) == 0


def test_a_region_stored_once_for_each_of_its_labels_is_one_object(folder: Path) -> None:
    again = {**brush(MASK), "from_name": "tag2", "type": "keypointlabels"}
    pictures = opened(folder, task(annotation(brush(MASK), again, brush(~MASK, "r2"))))
    np.testing.assert_array_equal(all_masks(pictures.read(pictures.names[0]).masks), [MASK, ~MASK])


def test_regions_without_id_are_objects_of_their_own(folder: Path) -> None:
    one = brush(MASK)
    del one["id"]
    pictures = opened(folder, task(annotation(one, one)))
    assert len(pictures.read(pictures.names[0]).masks) == 2


def test_regions_without_a_mask_are_no_objects(folder: Path) -> None:
    rectangle = region({"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["Object"]}, "r2")
    others = [region({"choices": ["good"]}, "r3"), {"type": "relation", "from_id": "r1", "to_id": "r2"}, "word"]
    pictures = opened(folder, task(annotation(rectangle, *others, brush(MASK))))
    assert len(pictures.read(pictures.names[0]).masks) == 1
    assert len(pictures.skipped) == 0


def test_a_brush_on_a_larger_copy_of_the_picture_is_brought_to_its_size(folder: Path) -> None:
    large = np.kron(MASK, np.ones((2, 2), np.bool_))
    pictures = opened(folder, task(annotation(brush(large), {**bitmask(data_uri(large)), "id": "r2"})))
    np.testing.assert_array_equal(all_masks(pictures.read(pictures.names[0]).masks), [MASK, MASK])


NO_SIZE = {key: value for key, value in brush(MASK).items() if key != "original_width"}
SHORT_HEADER = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\4IHDR\0\0\0\5\x82\x64\x1d\xef").decode()
DAMAGED = {
    "rle-cut-off": (region({"format": "rle", "rle": encode_brush_rle(MASK)[:-9]}), "cut off or damaged"),
    "rle-left-out": (region({"format": "rle", "rle": "2418 ints"}), "a list of bytes, got str"),
    "rle-of-another-size": (region({"format": "rle", "rle": encode_brush_rle(MASK)}, hw=(8, 9)), "of another size"),
    "rle-of-another-picture": (brush(MASK.T), "drawn on a picture of 60 x 80 px, but the picture has 80 x 60"),
    "rle-without-size": (NO_SIZE, "needs original_width and original_height"),
    "two-corners": (polygon(POINTS_PCT[:2]), r"got the shape \(2, 2\)"),
    "words": (polygon("round"), "no numbers"),
    "ragged": (polygon([[1, 2], [3]]), "no numbers"),
    "nan": (polygon([[1, 2], [3, 4], [5, float("nan")]]), "3 finite points"),
    "unfinished": (polygon(POINTS_PCT, closed=False), "never closed"),
    "bitmask-without-alpha": (bitmask("data:image/png;base64,AAAA"), "no PNG or a damaged one"),
    "bitmask-cut-in-the-header": (bitmask(f"data:image/png;base64,{SHORT_HEADER}"), "no PNG or a damaged one"),
    "bitmask-no-uri": (bitmask("nothing"), "bitmask is damaged"),
}


@pytest.mark.parametrize(("damaged", "reason"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_region_is_named_and_costs_no_other(damaged: object, reason: str, folder: Path) -> None:
    pictures = opened(folder, task(annotation(damaged, brush(MASK, "r2"))))
    np.testing.assert_array_equal(all_masks(pictures.read(pictures.names[0]).masks), [MASK])
    ((item, why),) = pictures.skipped.reasons.items()
    assert item == "region r1 of data/upload/7/71933f63-r.jpg"
    assert re.search(reason, why)


EMPTY = annotation()
CHOICES = {
    "cancelled": ([annotation(brush(MASK)), annotation(brush(~MASK), was_cancelled=True)], MASK),
    "last-changed": (
        [
            annotation(brush(MASK), updated_at="2026-11-23T09:00:00Z"),
            annotation(brush(~MASK), updated_at="2026-11-23T08:00:00Z"),
        ],
        MASK,
    ),
    "ground-truth": (
        [annotation(brush(MASK), ground_truth=True), annotation(brush(~MASK), updated_at="2026-11-23T08:00:00Z")],
        MASK,
    ),
    "damaged": ([{"result": None}, "word", annotation(brush(MASK))], MASK),
}


@pytest.mark.parametrize(("annotations", "mask"), CHOICES.values(), ids=CHOICES.keys())
def test_one_annotation_of_a_task_counts(annotations: list[Any], mask: np.ndarray, folder: Path) -> None:
    pictures = opened(folder, task(*annotations))
    np.testing.assert_array_equal(all_masks(pictures.read(pictures.names[0]).masks), [mask])


ADDRESSES = {
    "upload": "/data/upload/7/71933f63-r.jpg",
    "upload-at-a-host": "https://studio.example/data/upload/7/71933f63-r.jpg",
    "local-files": "/data/local-files/?d=photos/r.jpg",
    "local-files-at-a-host": "http://studio.example/data/local-files/?d=a%20b%2Fr.jpg",
    "bucket": "s3://bucket/photos/r.jpg",
    "signed": "https://bucket.example/photos/r.jpg?Signature=a/b.png",
    "plain-path": "/home/ann/r.jpg",
    "plain-name": "r.jpg",
    "windows": r"C:\ann\photos\r.jpg",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_the_picture_of_any_address_is_found_in_the_folder(address: str, folder: Path) -> None:
    pictures = opened(folder, task(annotation(brush(MASK)), image=address))
    assert len(pictures.read(pictures.names[0]).masks) == 1


def test_an_address_with_spaces_is_decoded(folder: Path) -> None:
    (folder / "r.jpg").rename(folder / "a b.jpg")
    assert opened(folder, task(annotation(brush(MASK)), image="http://web.example/a%20b.jpg")).names == ["a b.jpg"]


def test_a_file_with_its_upload_prefix_comes_first(folder: Path) -> None:
    write_picture(folder / "71933f63-r.jpg", (6, 8))
    pictures = opened(folder, task(annotation(polygon(POINTS_PCT))))
    assert pictures.read(pictures.names[0]).image.shape == (6, 8, 3)


def test_pictures_are_looked_for_around_the_export(folder: Path) -> None:
    file = write_json(folder / "export.json", [task(annotation(brush(MASK)))])
    assert len(open_label_studio_export(file).names) == 1


TASKS = {
    "another-task-of-the-picture": (task(annotation(brush(~MASK)), task_id=20), "an earlier task has its picture"),
    "no-picture": (task(annotation(), image="text"), "no address of a picture among"),
    "no-data": ({**task(annotation()), "data": None}, "no address of a picture"),
    "several": ({**task(annotation()), "data": {"a": "1.jpg", "b": "2.jpg"}}, r"several .*\['a', 'b'\].*data_key"),
    "no-annotations": ({"id": 19, "data": {}}, "no list of annotations"),
    "word": ("word", "a str, where an object is wanted"),
    "no-file-named": (task(annotation(), image="/data/local-files/?x=1"), "names no file"),
    "broken-address": (task(annotation(), image="http://[/1.jpg"), "makes no sense"),
    "gone": (task(annotation(), image="gone.jpg"), "it isn't in"),
}


@pytest.mark.parametrize(("damaged", "reason"), TASKS.values(), ids=TASKS.keys())
def test_a_damaged_task_is_named_and_costs_no_other(damaged: object, reason: str, folder: Path) -> None:
    pictures = opened(folder, task(annotation(brush(MASK))), damaged)
    assert len(pictures.names) == 1
    (why,) = pictures.skipped.reasons.values()
    assert re.search(reason, why)


def test_a_task_nobody_annotated_is_left_out_in_silence(folder: Path) -> None:
    unlabelled = [task(task_id=20), task(annotation(brush(MASK), was_cancelled=True), task_id=21)]
    pictures = opened(folder, *unlabelled, task(annotation(brush(MASK))))
    assert len(pictures.names) == 1
    assert len(pictures.skipped) == 0


def test_the_key_of_the_picture_can_be_said(folder: Path) -> None:
    pair = {**task(annotation(brush(MASK))), "data": {"before": "r.jpg", "after": "s.jpg", "n": 3}}
    assert opened(folder, pair, data_key="before").names == ["r.jpg"]
    with pytest.raises(DatasetError, match="holds no annotated picture"):
        opened(folder, pair, data_key="during")


FAULTS = {
    "coco": ({"images": [], "annotations": []}, "isn't Label Studio's export: wanted the format JSON, not JSON-MIN"),
    "json-min": ([{"id": 1, "image": "r.jpg", "tag": []}], "wanted the format JSON, not JSON-MIN"),
    "empty": ([], "isn't Label Studio's export"),
    "unlabelled": ([task()], "holds no annotated picture: submit annotations first"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_useless_export_is_an_error(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        open_label_studio_export(write_json(tmp_path / "export.json", content))


def test_a_folder_without_the_pictures_is_an_error(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"no picture of .*, e\.g\. data/upload/7/71933f63-r\.jpg, is in"):
        opened(folder.parent / "nothing", task(annotation(brush(MASK))))


def test_a_damaged_picture_is_named(folder: Path) -> None:
    (folder / "r.jpg").write_bytes(b"no picture")
    pictures = opened(folder, task(annotation(brush(MASK))))
    with pytest.raises(ImageError, match=r"r\.jpg is no picture"):
        pictures.read(pictures.names[0])


def test_a_recorded_task_and_annotation_are_read(shared: Path, tmp_path: Path) -> None:
    recorded = shared / "fixtures" / "label_studio"
    webhook = json.loads((recorded / "webhook_ANNOTATION_CREATED.json").read_text())["body"]
    submitted = json.loads((recorded / "ui_submitted_annotation.json").read_text())
    write_picture(tmp_path / "r.jpg", (600, 800))
    mask = block(100, 200, 300, 500, (600, 800))
    submitted["result"][0]["value"]["rle"] = encode_brush_rle(mask)  # the recording left it out
    recorded_task = {**webhook["task"], "annotations": [{**webhook["annotation"], "result": submitted["result"]}]}
    pictures = opened(tmp_path, recorded_task)
    np.testing.assert_array_equal(all_masks(pictures.read(pictures.names[0]).masks), [mask])
