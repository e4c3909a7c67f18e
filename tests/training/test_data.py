from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sam_backend.training.label_folder import LabelFolder, held_out_nuclei, object_masks

from sam_backend.errors import DatasetError, ImageError
from sam_backend.training.augment import random_crop, random_light, random_turn
from sam_backend.training.sample import mask_box_xyxy

seeds = st.integers(0, 1000)


def write_pair(folder: Path, name: str, labels: np.ndarray) -> None:
    for part in ("images", "labels"):
        (folder / part).mkdir(exist_ok=True)
    image = np.repeat((labels[..., None] > 0) * np.uint8(200), 3, axis=2)
    Image.fromarray(image).save(folder / "images" / f"{name}.png")
    Image.fromarray(labels.astype(np.uint16)).save(folder / "labels" / f"{name}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labels = np.zeros((60, 80), np.int32)
    labels[5:25, 10:30], labels[40:44, 60:64], labels[50:52, 5:8] = 1, 300, 7
    write_pair(tmp_path, "a", labels)
    write_pair(tmp_path, "empty", np.zeros((40, 40), np.int32))
    return tmp_path


def test_objects_come_apart_and_specks_are_left_out(folder: Path) -> None:
    image, labels = LabelFolder(folder).read("a")
    assert image.shape == (60, 80, 3)
    assert [int(mask.sum()) for mask in object_masks(labels)] == [400, 16]


def test_a_draw_shows_objects_where_they_are_bright(folder: Path) -> None:
    sources = LabelFolder(folder)
    for seed in range(10):
        sample = sources.draw(np.random.default_rng(seed), max_masks=1)
        assert len(sample.masks) == 1
        assert sample.masks.any(axis=(1, 2)).all()
        assert sample.image.shape[:2] == sample.masks.shape[1:]


def test_names_can_be_kept_and_left_out(folder: Path) -> None:
    assert LabelFolder(folder).names == ["a", "empty"]
    assert LabelFolder(folder, only={"a", "b"}).names == ["a"]
    assert LabelFolder(folder, without={"a"}).names == ["empty"]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no pictures to use: wanted images/NAME\.png"):
        LabelFolder(tmp_path)


def test_labels_of_another_size_are_named(folder: Path) -> None:
    Image.new("I;16", (10, 10)).save(folder / "labels" / "a.png")
    with pytest.raises(DatasetError, match=r"a has labels of shape \(10, 10\) for a picture of shape \(60, 80\)"):
        LabelFolder(folder).read("a")


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / "labels" / "a.png").write_bytes(b"no png")
    with pytest.raises(DatasetError, match="the labels of a can't be read"):
        LabelFolder(folder).read("a")
    (folder / "images" / "a.png").write_bytes(b"no png")
    with pytest.raises(ImageError, match=r"a\.png is no picture"):
        LabelFolder(folder).read("a")


def test_the_held_out_pictures_are_in_the_set(shared: Path) -> None:
    names = {path.stem for path in (shared / "data" / "nuclei" / "images").glob("*.png")}
    assert held_out_nuclei() <= names
    assert 0.13 < len(held_out_nuclei()) / len(names) < 0.18


@given(seed=seeds)
def test_crop_and_turn_move_picture_and_labels_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.arange(50 * 70, dtype=np.int32).reshape(50, 70)
    image = np.dstack([labels % 256, labels // 256, labels * 0]).astype(np.uint8)
    image, labels = random_turn(*random_crop(image, labels, rng), rng)
    np.testing.assert_array_equal(image[..., 0] + 256 * image[..., 1].astype(int), labels)
    assert min(labels.shape) >= 20


@given(seed=seeds)
def test_light_keeps_the_shape(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), np.uint8)
    changed = random_light(image, np.random.default_rng(seed))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8


def test_the_box_of_a_mask_is_half_open() -> None:
    mask = np.zeros((10, 12), np.bool_)
    mask[2:5, 3:9] = True
    assert mask_box_xyxy(mask).tolist() == [3, 2, 9, 5]
