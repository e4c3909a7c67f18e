import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import SIZE_PX, bright_square, new_network

from sam_backend.errors import DatasetError, StorageError
from sam_backend.model.checkpoint import load_network
from sam_backend.model.sam import Sam
from sam_backend.predict.predictor import Predictor
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.project.judging import MOST_OBJECTS, HeldOutObjects
from sam_backend.training.project.kept_lessons import KeptLessons
from sam_backend.training.project.tuning import PROJECT_TUNING, TuningProgress, packed_weights, tune_decoder
from sam_backend.training.sample import LabelledPicture
from sam_backend.training.stored_lessons import whole_picture_lesson


@pytest.fixture
def network() -> Sam:
    network = new_network("conv")
    network.image_encoder.requires_grad_(False)
    return network


@pytest.fixture
def store(network: Sam, tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "features", network, "small-1")


@pytest.fixture
def empty_picture() -> LabelledPicture:
    return LabelledPicture(np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8), np.zeros((1, SIZE_PX, SIZE_PX), np.bool_))


def test_kept_lessons_are_those_of_the_pictures(store: EmbeddingStore) -> None:
    picture = bright_square()
    lessons = KeptLessons(store, max_masks=4)
    assert lessons.add(picture) == lessons.n_objects == len(picture.masks)
    drawn = lessons.draw(np.random.default_rng(1))
    wanted = whole_picture_lesson(picture, SIZE_PX, 4, np.random.default_rng(1))
    assert wanted is not None
    torch.testing.assert_close(drawn.lesson.target, wanted.target, atol=1 / 255, rtol=0)
    assert torch.equal(drawn.lesson.box_xyxy, wanted.box_xyxy)
    assert drawn.features is not None
    assert torch.equal(drawn.features.coarse, store.features(picture.image).coarse)


def test_at_most_so_many_objects_are_learnt_at_a_time(store: EmbeddingStore) -> None:
    masks = np.zeros((5, SIZE_PX, SIZE_PX), np.bool_)
    for index in range(5):
        masks[index, 8 * index : 8 * index + 8, :40] = True
    lessons = KeptLessons(store, max_masks=2)
    assert lessons.add(LabelledPicture(bright_square().image, masks)) == 5
    lesson = lessons.draw(np.random.default_rng(1)).lesson
    assert len(lesson.target) == len(lesson.box_xyxy) == 2
    for target, box in zip(lesson.target, lesson.box_xyxy, strict=True):
        rows = torch.nonzero(target.any(dim=1)).flatten() * 4
        assert (int(rows[0]), int(rows[-1]) + 4) == (int(box[1]), int(box[3]))


def test_pictures_without_objects_teach_nothing(store: EmbeddingStore, empty_picture: LabelledPicture) -> None:
    lessons = KeptLessons(store, max_masks=2)
    assert lessons.add(empty_picture) == 0
    with pytest.raises(DatasetError, match="no picture shows an object"):
        lessons.draw(np.random.default_rng(1))


def test_features_that_were_deleted_are_missed(store: EmbeddingStore, tmp_path: Path) -> None:
    lessons = KeptLessons(store, max_masks=2)
    lessons.add(bright_square())
    for file in tmp_path.rglob("*.pt"):
        file.unlink()
    with pytest.raises(StorageError, match="are gone"):
        lessons.draw(np.random.default_rng(1))


def test_tuning_learns_and_leaves_the_encoder(store: EmbeddingStore, network: Sam, tmp_path: Path) -> None:
    lessons, held_out = KeptLessons(store, max_masks=2), HeldOutObjects(store)
    lessons.add(bright_square())
    assert held_out.add(bright_square()) == held_out.n_objects == 1
    before = copy.deepcopy(network).eval()
    told: list[TuningProgress] = []
    tuned = tune_decoder(network, lessons, PROJECT_TUNING.with_steps(40), 1000, told.append)
    assert [one.n_steps_done for one in told] == list(range(1, 41))
    assert told[-1].loss < told[0].loss
    assert told[-1].seconds_left == 0
    path = tmp_path / "tuned.pth"
    torch.save(packed_weights(tuned), path)
    after = load_network(str(path))
    for name, value in before.image_encoder.state_dict().items():
        assert torch.equal(value, after.image_encoder.state_dict()[name])
    figures = [held_out.judge(Predictor(one, "", "", torch.device("cpu"))) for one in (before, after)]
    assert figures[1] != figures[0]
    assert figures[0].to_dict().keys() == {"box", "one_click", "three_clicks"}


def test_tuning_ends_with_its_time(store: EmbeddingStore, network: Sam) -> None:
    lessons = KeptLessons(store, max_masks=2)
    lessons.add(bright_square())
    seconds = iter(range(1000))
    told: list[TuningProgress] = []
    tune_decoder(network, lessons, PROJECT_TUNING.with_steps(50), 3, told.append, clock=lambda: float(next(seconds)))
    assert [one.seconds_left for one in told] == [2, 1, 0]


def test_no_more_objects_are_judged_than_there_is_time_for(store: EmbeddingStore, network: Sam) -> None:
    held_out = HeldOutObjects(store)
    masks = np.repeat(np.asarray(bright_square().masks), MOST_OBJECTS + 30, axis=0)
    picture = LabelledPicture(bright_square().image, masks)
    held_out.add(picture)
    told: list[tuple[int, int]] = []
    figures = held_out.judge(Predictor(network, "", "", torch.device("cpu")), lambda *progress: told.append(progress))
    assert held_out.n_objects == MOST_OBJECTS + 30
    assert told == [(0, 1)]
    assert 0 <= figures.mean <= 1


def test_judging_by_nothing_is_an_error(store: EmbeddingStore, network: Sam, empty_picture: LabelledPicture) -> None:
    held_out = HeldOutObjects(store)
    assert held_out.add(empty_picture) == 0
    with pytest.raises(DatasetError, match="show no object to judge by"):
        held_out.judge(Predictor(network, "", "", torch.device("cpu")))


def test_kept_features_are_the_stores(store: EmbeddingStore) -> None:
    image = bright_square().image
    assert torch.equal(store.kept(store.keep(image)).coarse, store.features(image).coarse)


def test_weights_that_would_lose_by_it_stay_as_they_are(network: Sam) -> None:
    packed = packed_weights(network)
    kept = {name: value.dtype for name, value in packed.items() if value.is_floating_point()}
    assert {dtype for name, dtype in kept.items() if not name.startswith("image_encoder.")} == {torch.float16}
    assert torch.float32 in {dtype for name, dtype in kept.items() if name.startswith("image_encoder.")}
