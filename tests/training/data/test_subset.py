import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.training.data.label_folder import LabelFolder
from sam_backend.training.data.stored import N_NAMED_IN_LOG, SkippedItems
from sam_backend.training.data.subset import only, split_names, without


@pytest.fixture
def pictures(tmp_path: Path) -> LabelFolder:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
        for value, name in enumerate("abc"):
            Image.fromarray(np.full((4, 5), value, np.uint8)).save(tmp_path / part / f"{name}.png")
    Image.new("L", (2, 2)).save(tmp_path / "labels" / "no picture.png")
    return LabelFolder(tmp_path)


def test_names_are_kept_and_left_out_in_the_order_of_the_set(pictures: LabelFolder) -> None:
    assert only(pictures, {"c", "a", "of another set"}).names == ["a", "c"]
    assert without(pictures, ["b"]).names == ["a", "c"]


def test_a_subset_reads_and_skips_as_the_whole_set(pictures: LabelFolder) -> None:
    subset = only(pictures, ["b"])
    assert subset.read("b").image[0, 0, 0] == 1
    assert subset.skipped is pictures.skipped
    assert list(subset.skipped.reasons) == ["labels/no picture.png"]


def test_no_name_left_is_an_error(pictures: LabelFolder) -> None:
    with pytest.raises(DatasetError, match=r"none of the 3 pictures, e\.g\. a, is left"):
        only(pictures, ["z"])
    with pytest.raises(DatasetError, match="none of the 3 pictures"):
        without(pictures, "abc")


names = st.lists(st.text("abc", max_size=4), max_size=8, unique=True)
shares = st.floats(0, 1)


@given(names=names, more=names, share=shares, seed=st.integers(0, 5))
def test_a_name_stays_on_its_side_when_others_are_added(
    names: list[str], more: list[str], share: float, seed: int
) -> None:
    before, after = split_names(names, share, seed), split_names([*more, *names], share, seed)
    assert set(before.held_out) <= set(after.held_out)
    assert set(before.training) <= set(after.training)
    assert sorted(before.training + before.held_out) == sorted(names)


@given(names=names, shares=st.tuples(shares, shares))
def test_a_larger_share_holds_out_the_same_names_and_more(names: list[str], shares: tuple[float, float]) -> None:
    assert set(split_names(names, min(shares)).held_out) <= set(split_names(names, max(shares)).held_out)


def test_the_share_is_met_on_average_and_the_seed_matters() -> None:
    names = [f"{number}.jpg" for number in range(4000)]
    split, other = split_names(names, 0.2, seed=1), split_names(names, 0.2, seed=2)
    assert 0.18 < len(split.held_out) / 4000 < 0.22
    assert 0.02 < len({*split.held_out} & {*other.held_out}) / 4000 < 0.06
    assert split_names(names, 0.0).held_out == []
    assert split_names(names, 1.0).training == []


def test_the_split_is_the_same_on_every_machine() -> None:
    assert split_names("abcdefgh", 0.5, seed=0).held_out == list("bcefg")


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_from_0_to_1(share: float) -> None:
    with pytest.raises(DatasetError, match="a number from 0 to 1"):
        split_names([], share)


def test_an_item_is_named_once_and_only_the_first_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    skipped = SkippedItems()
    with caplog.at_level(logging.WARNING):
        for number in [*range(50), *range(50)]:
            skipped.add(f"item {number}", "a reason")
    assert len(skipped) == 50
    assert caplog.messages[0] == "skipped item 0 (1 so far): a reason"
    assert caplog.messages[-1] == "further skipped items are only counted"
    assert len(caplog.messages) == N_NAMED_IN_LOG + 1
