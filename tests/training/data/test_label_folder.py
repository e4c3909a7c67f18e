from pathlib import Path

import numpy as np
import pytest
from data_set_files import write_picture
from PIL import Image

from sam_backend.errors import DatasetError, ImageError
from sam_backend.training.data.label_folder import LabelFolder, held_out_nuclei
from sam_backend.training.sample import all_masks
from sam_backend.training.windows import WindowSource


def write_pair(folder: Path, picture: str, labels: np.ndarray) -> None:
    write_picture(folder / "images" / picture, labels.shape)
    (folder / "labels").mkdir(exist_ok=True)
    Image.fromarray(labels.astype(np.uint16)).save(folder / "labels" / f"{Path(picture).stem}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labels = np.zeros((60, 80), np.int32)
    labels[5:25, 10:30], labels[40:44, 60:64], labels[50:52, 5:8] = 1, 300, 7
    write_pair(tmp_path, "a.png", labels)
    write_pair(tmp_path, "empty.png", np.zeros((40, 40), np.int32))
    return tmp_path


def test_objects_come_apart_in_the_order_of_their_labels(folder: Path) -> None:
    picture = LabelFolder(folder).read("a")
    assert picture.image.shape == (60, 80, 3)
    assert [int(mask.sum()) for mask in all_masks(picture.masks)] == [400, 6, 16]
    assert picture.masks[1][50:52, 5:8].all()


def test_a_picture_without_objects_has_none(folder: Path) -> None:
    assert len(LabelFolder(folder).read("empty").masks) == 0


@pytest.mark.parametrize("ending", [".jpg", ".JPG", ".jpeg", ".tif", ".webp", ".bmp", ".gif"])
def test_pictures_of_any_ending_pair_with_labels(ending: str, folder: Path) -> None:
    write_pair(folder, f"b.c{ending}", np.ones((8, 9), np.int32))
    pictures = LabelFolder(folder)
    assert pictures.names == ["a", "b.c", "empty"]
    assert pictures.read("b.c").image.shape == (8, 9, 3)


def test_labels_without_picture_are_skipped_and_pictures_without_labels_left_out(folder: Path) -> None:
    (folder / "images" / "a.png").rename(folder / "images" / "not labelled yet.png")
    pictures = LabelFolder(folder)
    assert pictures.names == ["empty"]
    assert list(pictures.skipped.reasons) == ["labels/a.png"]


def test_a_folder_without_pairs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no pictures to use: wanted images/NAME\.jpg"):
        LabelFolder(tmp_path)


@pytest.mark.parametrize(("mode", "shape"), [("L", r"\(10, 10\)"), ("RGB", r"\(10, 10, 3\)")])
def test_labels_of_another_shape_are_named(mode: str, shape: str, folder: Path) -> None:
    Image.new(mode, (10, 10)).save(folder / "labels" / "a.png")
    with pytest.raises(DatasetError, match=rf"a has labels of shape {shape} for a picture of shape \(60, 80\)"):
        LabelFolder(folder).read("a")


def test_damaged_files_are_named(folder: Path) -> None:
    whole = (folder / "labels" / "a.png").read_bytes()
    for damaged in (b"no png", whole[:60], whole[:-12] + b"\0\0\0\1gAMA\0\x5f\xb8\x03\xcf" + whole[-12:]):
        (folder / "labels" / "a.png").write_bytes(damaged)
        with pytest.raises(DatasetError, match="the labels of a can't be read"):
            LabelFolder(folder).read("a")
    (folder / "images" / "a.png").write_bytes(b"no png")
    with pytest.raises(ImageError, match=r"a\.png is no picture"):
        LabelFolder(folder).read("a")


def test_training_draws_windows_of_it(folder: Path) -> None:
    sample = WindowSource(LabelFolder(folder), model_size=64).draw(np.random.default_rng(0), 64, 2)
    assert sample.masks.any(axis=(1, 2)).all()
    assert sample.image.shape[:2] == sample.masks.shape[1:]


def test_the_held_out_pictures_are_in_the_set(shared: Path) -> None:
    names = LabelFolder(shared / "data" / "nuclei").names
    assert held_out_nuclei() <= set(names)
    assert 0.13 < len(held_out_nuclei()) / len(names) < 0.18
