import numpy as np
import pytest

from sam_backend.errors import DatasetError
from sam_backend.training.data.scene_set import SCENE_PX, SceneSet


def test_a_scene_is_the_same_in_every_set_and_unlike_the_others() -> None:
    one, same, other = SceneSet(1).read("0"), SceneSet(2).read("0"), SceneSet(2).read("1")
    assert one.image.shape == (SCENE_PX, SCENE_PX, 3)
    assert (one.image == same.image).all()
    assert np.array_equal(one.masks, same.masks)
    assert len(one.masks) > 0
    assert (one.image != other.image).any()


def test_a_set_needs_a_scene() -> None:
    with pytest.raises(DatasetError, match="at least one, got 0"):
        SceneSet(0)


def test_a_scene_outside_the_set_is_refused() -> None:
    with pytest.raises(DatasetError, match="no scene '2': the scenes are 0 to 1"):
        SceneSet(2).read("2")
