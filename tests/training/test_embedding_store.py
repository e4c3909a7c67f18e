import copy
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import SIZE_PX, bright_square, new_network

from sam_backend.errors import DatasetError, ImageError, SettingsError, StorageError
from sam_backend.model.sam import Sam
from sam_backend.training.embedding_store import EmbeddingStore
from sam_backend.training.freeze import choose_trained
from sam_backend.training.lesson import TARGET_CELL_PX, make_lesson
from sam_backend.training.regularise import regularised
from sam_backend.training.rounds import RoundPlan, learn_prompts
from sam_backend.training.sample import LabelledPicture, Sample
from sam_backend.training.stored_lessons import StoredLessons, whole_picture_lesson

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(params=["vit", "conv"])
def network(request: pytest.FixtureRequest) -> Sam:
    network = new_network(request.param)
    choose_trained(network, "decoder")
    return network.train()


def count_encodings(network: Sam) -> list[int]:
    calls: list[int] = []
    network.image_encoder.register_forward_hook(lambda *_: calls.append(1))
    return calls


def parts(store: EmbeddingStore, image: np.ndarray = PICTURE) -> list[torch.Tensor]:
    features = store.features(image)
    return [features.coarse, *features.fine]


def test_a_picture_is_encoded_once_for_all_runs(network: Sam, tmp_path: Path) -> None:
    calls = count_encodings(network)
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    first = parts(store)
    for other in (store, EmbeddingStore(tmp_path, network, "tiny-1")):
        assert all(torch.equal(a, b) for a, b in zip(parts(other, PICTURE.copy()), first, strict=True))
    assert len(calls) == 1
    plain = network.eval().encode_image(torch.tensor(PICTURE).permute(2, 0, 1)[None].float())
    assert len(first) == 1 + len(plain.fine)


def test_features_are_those_of_the_network(network: Sam, tmp_path: Path) -> None:
    features = EmbeddingStore(tmp_path, network, "tiny-1").features(bright_square().image)
    rgb = torch.tensor(bright_square().image).permute(2, 0, 1)[None].float()
    plain = network.encode_image(rgb)
    for stored, fresh in zip((features.coarse, *features.fine), (plain.coarse, *plain.fine), strict=True):
        assert stored.dtype == torch.float32
        assert not stored.requires_grad
        torch.testing.assert_close(stored, fresh, rtol=2e-3, atol=2e-3)


def test_another_picture_or_version_is_encoded_anew(network: Sam, tmp_path: Path) -> None:
    calls = count_encodings(network)
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    parts(store)
    parts(store, PICTURE.transpose(1, 0, 2))
    parts(store, PICTURE.reshape(50, 40, 3))  # the same bytes in another shape
    parts(EmbeddingStore(tmp_path, network, "tiny-2"))
    assert len(calls) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny-1", "tiny-2"]


@pytest.mark.parametrize("damage", [b"", b"half a fi", None], ids=["empty", "garbage", "other-layout"])
def test_a_damaged_file_is_made_again(
    network: Sam, tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    first = parts(store)
    (path,) = (tmp_path / "tiny-1").iterdir()
    if damage is None:
        torch.save({"layout": 0}, path)
    else:
        path.write_bytes(damage)
    calls = count_encodings(network)
    assert all(torch.equal(a, b) for a, b in zip(parts(store), first, strict=True))
    parts(store)
    assert len(calls) == 1
    assert [file.name for file in (tmp_path / "tiny-1").iterdir()] == [path.name]  # nothing unfinished stays


def test_drop_path_is_not_kept(tmp_path: Path) -> None:
    network = new_network("vit")
    choose_trained(network, "decoder")
    plain = parts(EmbeddingStore(tmp_path / "plain", network, "tiny-1"))
    with regularised(network.train(), drop_path=0.9):
        kept = parts(EmbeddingStore(tmp_path / "kept", network, "tiny-1"))
    assert torch.equal(kept[0], plain[0])
    assert network.image_encoder.training


def test_the_size_is_known_beforehand(network: Sam, tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    parts(store)
    (path,) = (tmp_path / "tiny-1").iterdir()
    overhead = 4000  # of the archive
    assert store.bytes_per_picture <= path.stat().st_size <= store.bytes_per_picture + overhead


def test_a_disk_that_is_too_small_is_refused(network: Sam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    kept = parts(store)
    room = 1_000_000_000 + 10 * store.bytes_per_picture
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, room))
    store.check_room(11)  # one is there
    with pytest.raises(StorageError, match=r"the features of 11 pictures need .* choose another folder, take fewer"):
        store.check_room(12)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1000))
    assert torch.equal(parts(store)[0], kept[0])  # what is kept can be read all the same
    with pytest.raises(StorageError, match="the features of 1 pictures"):
        parts(store, PICTURE[:20])


def test_a_folder_that_cannot_be_written_is_named(network: Sam, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't be made"):
        EmbeddingStore(tmp_path / "file", network, "tiny-1")
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    shutil.rmtree(tmp_path / "tiny-1")
    (tmp_path / "tiny-1").write_text("")
    with pytest.raises(StorageError, match=r"can't be kept in .*: Not a directory"):
        parts(store)


def test_a_file_that_cannot_be_replaced_is_named_and_leaves_no_rest(network: Sam, tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, network, "tiny-1")
    parts(store)
    (path,) = (tmp_path / "tiny-1").iterdir()
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match=r"can't be kept in .* \(.*directory.*\): make room or keep none"):
        parts(store)
    assert list((tmp_path / "tiny-1").iterdir()) == [path]


def test_a_picture_of_another_kind_is_named(network: Sam, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"8-bit RGB, got \(4, 4\) of float64"):
        EmbeddingStore(tmp_path, network, "tiny-1").features(np.zeros((4, 4)))  # type: ignore[arg-type]


def test_an_encoder_that_learns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="features of an encoder that learns can't be kept"):
        EmbeddingStore(tmp_path, new_network("vit"), "tiny-1")


class Pictures:
    """Bright squares of different brightness, one damaged, one without objects."""

    names = ("a", "b", "broken", "empty")

    def read(self, name: str) -> LabelledPicture:
        if name == "broken":
            raise DatasetError("the labels of broken are missing")
        picture = bright_square()
        masks = picture.masks if name != "empty" else np.zeros((0, SIZE_PX, SIZE_PX), np.bool_)
        return LabelledPicture(picture.image // (1 + (name == "a")), masks)


def test_a_lesson_of_a_whole_picture_equals_one_that_is_encoded() -> None:
    picture = bright_square()
    stored = whole_picture_lesson(picture, SIZE_PX, 4, np.random.default_rng(0))
    usual = make_lesson(Sample(picture.image, np.asarray(picture.masks)), SIZE_PX)
    assert stored is not None
    assert torch.equal(stored.target, usual.target)
    assert torch.equal(stored.box_xyxy, usual.box_xyxy)
    assert stored.window_px == SIZE_PX


def test_objects_that_teach_nothing_are_left_out() -> None:
    masks = np.zeros((5, 128, 96), np.bool_)
    masks[0] = True  # all of the picture
    masks[1, 5, 5] = True  # half a pixel of the network's
    masks[3, 32:64, 48:96] = True
    masks[4, 64:96, 0:48] = True
    picture = LabelledPicture(np.zeros((128, 96, 3), np.uint8), masks)
    lesson = whole_picture_lesson(picture, SIZE_PX, 8, np.random.default_rng(0))
    assert lesson is not None
    assert sorted(lesson.box_xyxy.tolist()) == [[0, 32, 24, 48], [24, 16, 48, 32]]
    assert lesson.target.shape == (2, 16, 16)
    assert (lesson.target.sum(dim=(1, 2)) * TARGET_CELL_PX**2 == 24 * 16).all()
    one = whole_picture_lesson(picture, SIZE_PX, 1, np.random.default_rng(0))
    assert one is not None
    assert len(one.target) == 1
    assert whole_picture_lesson(LabelledPicture(picture.image, masks[:3]), SIZE_PX, 8, np.random.default_rng(0)) is None


def test_an_epoch_gives_every_good_picture_once_and_names_the_damaged(network: Sam, tmp_path: Path) -> None:
    calls = count_encodings(network)
    lessons = StoredLessons(Pictures(), EmbeddingStore(tmp_path, network, "tiny-1"), max_masks=4)
    for _ in range(3):
        assert len(list(lessons.epoch(np.random.default_rng(0)))) == 2
    assert len(calls) == 2
    assert lessons.skipped == {"broken": "the labels of broken are missing"}


def test_draws_repeat_with_their_seed(network: Sam, tmp_path: Path) -> None:
    lessons = StoredLessons(Pictures(), EmbeddingStore(tmp_path, network, "tiny-1"), max_masks=4)

    def drawn() -> list[float]:
        rng = np.random.default_rng(3)
        return [float(lessons.draw(rng).features.coarse.sum()) for _ in range(8)]

    assert drawn() == drawn()
    assert len(set(drawn())) == 2


class NothingToSee(Pictures):
    names = ("broken", "empty")


def test_nothing_to_learn_from_is_an_error(network: Sam, tmp_path: Path) -> None:
    lessons = StoredLessons(NothingToSee(), EmbeddingStore(tmp_path, network, "tiny-1"), max_masks=4)
    with pytest.raises(DatasetError, match="none of 2 pictures shows an object; 1 are damaged"):
        list(lessons.epoch(np.random.default_rng(0)))
    with pytest.raises(DatasetError, match="1000 draws showed no object: 1 of 2 pictures are damaged"):
        lessons.draw(np.random.default_rng(0))


def test_the_decoder_learns_from_kept_features_and_the_encoder_does_not(network: Sam, tmp_path: Path) -> None:
    lessons = StoredLessons(Pictures(), EmbeddingStore(tmp_path, network, "tiny-1"), max_masks=4)
    before = copy.deepcopy(network.state_dict())
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    losses = []
    for _ in range(20):
        for one in lessons.epoch(rng):
            losses.append(learn_prompts(network, one.features, one.lesson, RoundPlan(n_rounds=3), 1.0, generator).loss)
            optimizer.step()
            optimizer.zero_grad()
    assert np.mean(losses[-6:]) < 0.8 * np.mean(losses[:6])
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not any(name.startswith("image_encoder") for name in moved)
