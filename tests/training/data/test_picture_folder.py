from pathlib import Path

import pytest
from data_set_files import write_picture

from sam_backend.errors import DatasetError
from sam_backend.training.data.picture_folder import find_picture, folder_of_pictures, pair_pictures, pictures_by_stem
from sam_backend.training.data.stored import SkippedItems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("1.jpg", "train/1.jpg", "train/2.jpg", "deep/er/3.jpg"):
        write_picture(tmp_path / "root" / name, (2, 2))
    write_picture(tmp_path / "outside.jpg", (2, 2))
    return tmp_path / "root"


ADDRESSES = {
    "as-it-is": ("train/2.jpg", "train/2.jpg"),
    "longest-tail": ("/home/ann/train/1.jpg", "train/1.jpg"),
    "name-alone": ("elsewhere/1.jpg", "1.jpg"),
    "windows": (r"C:\ann\train\2.jpg", "train/2.jpg"),
    "dots": ("../train/./2.jpg", "train/2.jpg"),
    "in-the-middle": ("er/3.jpg", None),
    "outside": ("../outside.jpg", None),
    "a-folder": ("train", None),
    "nothing": ("", None),
    "null": ("1.jpg\0", None),
}


@pytest.mark.parametrize(("address", "found"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_of_another_machine_is_found_by_its_tail(address: str, found: str | None, folder: Path) -> None:
    assert find_picture(folder, address) == (None if found is None else folder / found)


def test_pictures_that_could_be_one_file_are_not_guessed(folder: Path) -> None:
    skipped = SkippedItems()
    names = ["a/2.jpg", "train/2.jpg", "b/1.jpg", "c/1.jpg", "gone.jpg"]
    pairs = pair_pictures(folder, {name: [name] for name in names}, skipped)
    assert pairs == {"train/2.jpg": folder / "train" / "2.jpg"}
    assert list(skipped.reasons) == [f"the picture {name}" for name in names if name != "train/2.jpg"]


def test_the_first_address_that_leads_to_a_file_counts(folder: Path) -> None:
    pairs = pair_pictures(folder, {"p": ["gone.jpg", "2.jpg", "train/2.jpg", "1.jpg"]}, SkippedItems())
    assert pairs == {"p": folder / "train" / "2.jpg"}


def test_of_two_endings_the_first_in_the_alphabet_counts(tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp", "b.txt"):
        (tmp_path / name).touch()
    assert pictures_by_stem(tmp_path) == {"a": tmp_path / "a.bmp"}


LAYOUTS = {
    "images-beside": ("set.json", "images/1.jpg", "images"),
    "beside": ("set.json", "1.jpg", "."),
    "images-above": ("annotations/set.json", "images/1.jpg", "images"),
    "coco": ("annotations/instances_train2017.json", "train2017/1.jpg", "train2017"),
}


@pytest.mark.parametrize(("file", "picture", "found"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_the_folder_of_the_pictures_is_found_near_the_file(file: str, picture: str, found: str, tmp_path: Path) -> None:
    write_picture(tmp_path / picture, (2, 2))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    assert folder_of_pictures(tmp_path / file, ["gone.jpg", "1.jpg"]).samefile(tmp_path / found)


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"the pictures of .*set\.json, e\.g\. 1\.jpg lie neither"):
        folder_of_pictures(tmp_path / "set.json", ["1.jpg"])
