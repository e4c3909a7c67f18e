from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.training.synthetic.cutout_index import read_index
from sam_backend.training.synthetic.families import emoji_family, is_held_out, stem_family
from sam_backend.training.synthetic.prepare import OBJECT_SIDE_PX, prepare_folder, trim_object
from sam_backend.training.synthetic.sources import PictureSource

Packages = list[tuple[PictureSource, Path]]


def test_objects_are_trimmed_and_keep_their_alpha(cutout_folder: Path) -> None:
    for entry in read_index(cutout_folder).objects:
        with Image.open(cutout_folder / entry.file) as file:
            alpha = np.asarray(file.convert("RGBA"))[..., 3]
        assert alpha[0].any()
        assert alpha[:, 0].any()
        assert not alpha[0, 0]
        assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255


def test_glows_specks_and_unwanted_files_are_left_out(cutout_folder: Path) -> None:
    files = [entry.file for entry in read_index(cutout_folder).objects if entry.source == "stamps"]
    assert sorted(file.split("-", 2)[-1] for file in files) == ["apple_green.webp", "apple_red.webp", "pear-1.webp"]


def test_a_background_in_two_sizes_is_kept_once_and_large(cutout_folder: Path) -> None:
    index = read_index(cutout_folder)
    assert len(index.backgrounds) == 30
    assert all("160x120" in entry.file for entry in index.backgrounds)


def test_the_hold_out_cuts_through_no_family(cutout_folder: Path) -> None:
    index = read_index(cutout_folder)
    kept, held_out = index.side(held_out=False), index.side(held_out=True)
    for part in ("objects", "backgrounds"):
        ours, theirs = ({entry.family for entry in getattr(side, part)} for side in (kept, held_out))
        assert ours
        assert theirs
        assert not ours & theirs
    assert len(kept.objects) + len(held_out.objects) == len(index.objects)


def test_sources_and_licences_are_written_down(cutout_folder: Path) -> None:
    licences = {entry.source: entry.licence for entry in read_index(cutout_folder).objects}
    assert licences == {"@some/emoji@1.0": "MIT", "stamps": "GPL-2.0"}


def test_large_objects_become_smaller() -> None:
    trimmed = trim_object(Image.new("RGBA", (2000, 1000), (255, 0, 0, 255)))
    assert trimmed is not None
    assert trimmed.size == (OBJECT_SIDE_PX, OBJECT_SIDE_PX // 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1f44b", "1f44b-1f3fd"),
        ("1f468-200d-1f680", "1f469-1f3fb-200d-1f680"),
        ("1f1e6-1f1e8", "1f1ff-1f1fc"),
        ("00a9-fe0f", "a9-fe0f"),
        ("1f600", "1f923"),
    ],
    ids=["skin", "gender", "flags", "padding", "expression"],
)
def test_emoji_that_look_alike_are_one_family(one: str, other: str) -> None:
    assert emoji_family(Path(f"{one}.webp")) == emoji_family(Path(f"{other}.webp"))


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("food/apple_red.png", "apple"),
        ("ships/tugboat_mirror.png", "tugboat"),
        ("plants/flower10.png", "flower"),
        ("clothes/t_shirt.png", "t shirt"),
        ("symbols/money/euro/coins/010.png", "money"),
        ("numbers/42.png", "42"),
    ],
)
def test_stamps_of_one_first_word_are_one_family(path: str, family: str) -> None:
    assert stem_family(Path(path)) == family


def test_about_a_tenth_of_the_families_is_held_out() -> None:
    share = np.mean([is_held_out(f"family {number}") for number in range(3000)])
    assert 0.08 < share < 0.12


def test_a_package_without_the_wanted_files_is_an_error(packages: Packages, tmp_path: Path) -> None:
    source, unpacked = packages[0]
    with pytest.raises(DatasetError, match=r"@some/emoji@1\.0 has no elsewhere/\*\.png: its layout changed"):
        prepare_folder([(replace(source, wanted=("elsewhere/*.png",)), unpacked)], tmp_path)


def test_a_damaged_picture_of_a_package_is_an_error(packages: Packages, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "1f44b.png").write_bytes(b"no png")
    with pytest.raises(DatasetError, match=r"1f44b\.png of a package is no picture"):
        prepare_folder([(packages[0][0], tmp_path)], tmp_path / "out")


def test_a_folder_without_an_index_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no index\.json: make it with python -m"):
        read_index(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", '{"objects": [{"file": 1}], "backgrounds": []}'])
def test_a_damaged_index_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(DatasetError, match=r"index\.json is damaged"):
        read_index(tmp_path)
