import copy
from types import SimpleNamespace

import numpy as np
import pytest

from sam_backend.errors import DatasetError, ImageError
from sam_backend.model.sam import Sam
from sam_backend.training.sample import LabelledPicture
from sam_backend.training.validation import HeldOutPictures


class Squares:
    """Twelve pictures: a bright square each, and a speck."""

    names = tuple(f"{index:02}" for index in range(12))

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, name: str) -> LabelledPicture:
        self.asked.append(name)
        masks = np.zeros((2, 48, 64), np.bool_)
        masks[0, 10:30, int(name) : int(name) + 20] = True
        masks[1, 40:42, 60:62] = True
        return LabelledPicture(np.repeat(masks[0][..., None] * np.uint8(200), 3, axis=2), masks)


def test_a_few_spread_pictures_judge_the_same_each_time(network: Sam) -> None:
    squares = Squares()
    judge = HeldOutPictures([squares], max_pictures=4)
    first, second = judge.judge(network.eval()), judge.judge(network)
    assert squares.asked == ["00", "04", "07", "11"] * 2
    assert (first.box_iou, first.click_iou) == (second.box_iou, second.click_iou)
    assert first.n_objects == 4  # specks aren't counted
    assert first.mean_iou == pytest.approx((first.box_iou + first.click_iou) / 2)
    assert 0 <= first.box_iou <= 1
    assert first.sheet.width > 100
    assert str(first).startswith("mean IoU of 4 held-out objects: box 0.")


def test_judging_leaves_the_network_as_it_is(network: Sam) -> None:
    before = copy.deepcopy(network.state_dict())
    HeldOutPictures([Squares()], max_pictures=1).judge(network.eval())
    assert all((value == before[name]).all() for name, value in network.state_dict().items())


def test_pictures_without_objects_judge_nothing(network: Sam) -> None:
    blank = LabelledPicture(np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8, 8), np.bool_))
    nothing = SimpleNamespace(names=("a",), read=lambda _: blank)
    with pytest.raises(DatasetError, match="the held-out pictures show no object"):
        HeldOutPictures([nothing]).judge(network)


class PartlyDamaged(Squares):
    """Some of the squares can't be read."""

    def __init__(self, damaged: set[str]) -> None:
        super().__init__()
        self._damaged = damaged

    def read(self, name: str) -> LabelledPicture:
        if name in self._damaged:
            raise ImageError(f"{name} is cut short")
        return super().read(name)


def test_damaged_pictures_are_skipped_and_counted(network: Sam) -> None:
    judge = HeldOutPictures([PartlyDamaged({"00", "07"})], max_pictures=4)
    judge.require_objects()
    for _ in range(2):
        judged = judge.judge(network.eval())
        assert (judged.n_objects, judged.n_skipped) == (2, 2)
        assert str(judged).endswith("; pictures skipped as damaged: 2")
    assert judge.skipped.reasons == {"00": "00 is cut short", "07": "07 is cut short"}


def test_pictures_that_cannot_judge_are_known_before_a_run() -> None:
    judge = HeldOutPictures([PartlyDamaged(set(Squares.names))], max_pictures=4)
    with pytest.raises(DatasetError, match=r"no object to judge by \(4 of 4 are damaged, e\.g\. 00: 00 is cut short\)"):
        judge.require_objects()
    HeldOutPictures([Squares()]).require_objects()
