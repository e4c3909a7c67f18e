import logging
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam_backend.errors import DatasetError
from sam_backend.training.sample import LabelledPicture
from sam_backend.training.windows import SMALLEST_OBJECT_PX, Window, WindowSource, cut_window


def bright(masks: np.ndarray) -> LabelledPicture:
    """A picture that is white where an object is."""
    return LabelledPicture(np.repeat(masks.any(axis=0)[..., None] * np.uint8(255), 3, axis=2), masks)


def square(left: int, top: int, side: int = 20) -> LabelledPicture:
    masks = np.zeros((1, 60, 90), np.bool_)
    masks[0, top : top + side, left : left + side] = True
    return bright(masks)


class Stored:
    """Pictures by name; None is a damaged one."""

    def __init__(self, pictures: Mapping[str, LabelledPicture | None]) -> None:
        self._pictures = pictures
        self.names = list(pictures)
        self.n_read = 0

    def read(self, name: str) -> LabelledPicture:
        self.n_read += 1
        picture = self._pictures[name]
        if picture is None:
            raise DatasetError(f"{name} is torn: make it again")
        return picture


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), left=st.integers(0, 70), top=st.integers(0, 40), zoom=st.floats(0.3, 2))
def test_a_window_shows_its_object_where_it_is_bright(seed: int, left: int, top: int, zoom: float) -> None:
    source = WindowSource(Stored({"one": square(left, top)}), model_size=128, zoom_range=(zoom, zoom))
    sample = source.draw(np.random.default_rng(seed), window_px=64, max_masks=3)
    assert max(sample.image.shape[:2]) <= 64
    assert sample.masks.shape[1:] == sample.image.shape[:2]
    assert sample.masks.sum() >= SMALLEST_OBJECT_PX
    grey = sample.image.mean(axis=2)
    inside, outside = grey[sample.masks[0]], grey[~sample.masks[0]]
    if outside.size > 50:  # light may turn the picture to its negative, but not both parts alike
        assert abs(inside.mean() - outside.mean()) > 20


def test_a_window_is_cut_and_scaled_as_said() -> None:
    sample = cut_window(
        square(30, 20), Window(left=20, top=10, width=40, height=30, scale=2.0), 1, np.random.default_rng(0)
    )
    assert sample is not None
    assert sample.image.shape == (60, 80, 3)
    rows, columns = np.nonzero(sample.masks[0])
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (20, 60, 20, 60)


@pytest.mark.parametrize(
    ("picture", "window"),
    [
        (square(30, 20), Window(0, 0, 20, 15, 1.0)),
        (square(30, 20), Window(0, 0, 31, 60, 1.0)),
        (square(30, 20), Window(20, 10, 40, 40, 0.15)),
        (square(30, 20), Window(31, 21, 10, 10, 1.0)),
    ],
    ids=["beside it", "a sliver of it", "too small to see", "nothing but it"],
)
def test_what_teaches_nothing_is_left_out(picture: LabelledPicture, window: Window) -> None:
    assert cut_window(picture, window, 3, np.random.default_rng(0)) is None


def test_of_many_objects_some_are_drawn() -> None:
    masks = np.zeros((9, 60, 90), np.bool_)
    for index in range(9):
        masks[index, 5:15, 9 * index : 9 * index + 8] = True
    whole = Window(0, 0, 90, 60, 1.0)
    drawn = [cut_window(bright(masks), whole, 4, np.random.default_rng(seed)) for seed in range(5)]
    assert all(sample is not None and len(sample.masks) == 4 for sample in drawn)
    assert len({sample.masks.tobytes() for sample in drawn if sample is not None}) > 1


def test_a_damaged_picture_is_named_once_skipped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    stored = Stored({"good": square(10, 10), "torn": None})
    source = WindowSource(stored, model_size=128)
    with caplog.at_level(logging.WARNING):
        for seed in range(12):
            source.draw(np.random.default_rng(seed), 64, 1)
    assert source.skipped == {"torn": "torn is torn: make it again"}
    assert [record.getMessage() for record in caplog.records] == [
        "skipped torn (1 so far): torn is torn: make it again"
    ]


def test_pictures_without_any_object_are_an_error() -> None:
    empty = bright(np.zeros((0, 40, 40), np.bool_))
    blank = bright(np.zeros((1, 40, 40), np.bool_))
    with pytest.raises(DatasetError, match="1000 draws showed no object: 1 of 3 pictures are damaged"):
        WindowSource(Stored({"empty": empty, "blank": blank, "torn": None}), 64).draw(np.random.default_rng(0), 64, 1)
