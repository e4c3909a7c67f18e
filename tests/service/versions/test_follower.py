import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click_bodies import PICTURE_HW, click_body, point_item
from flask.testing import FlaskClient
from scipy.ndimage import distance_transform_edt

from sam_backend.masks.rle_brush import decode_brush_rle
from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.model.sam import Sam
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.service.app import create_app
from sam_backend.service.model_loader import ModelLoader, ModelSource
from sam_backend.service.versions.book import VersionBook
from sam_backend.service.versions.follower import Follower
from sam_backend.service.versions.in_force import InForce
from sam_backend.service.versions.learning import Learning
from sam_backend.service.versions.version import Version
from sam_backend.settings import Settings

Add = Callable[..., Version]
PATIENCE_S = 60


def _answers(client: FlaskClient) -> str:
    return str(client.post("/setup", json={"project": "5.1"}).get_json()["model_version"])


def _wait_for(client: FlaskClient, version: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while _answers(client) != version:
        assert time.monotonic() < until_s, f"{_answers(client)} still answers, not {version}"
        time.sleep(0.05)


def test_the_service_follows_the_pointer_and_back(
    settings: Settings, book: VersionBook, add_version: Add, data_uri: str
) -> None:
    """Every answer says who made it; clicks go on across the switch, a refined object keeps its id."""
    own, version = checkpoint_version(settings.model), add_version()
    client = create_app(settings).test_client()
    click = point_item(45, 50, id="a")
    before = client.post("/predict", json=click_body(data_uri, click)).get_json()["results"][0]
    assert (_answers(client), before["model_version"]) == (own, own)
    assert client.get("/versions").get_json() == {"versions": [own, version.model_version]}
    book.use(version.name)
    _wait_for(client, str(version.model_version))
    more = point_item(*_spot_in(before["result"][0]), id="b")
    after = client.post("/predict", json=click_body(data_uri, more)).get_json()["results"][0]
    assert after["model_version"] == version.model_version
    assert after["result"][0]["id"] == before["result"][0]["id"]
    assert client.get("/versions").get_json() == {"versions": [version.model_version, own]}
    page = client.get("/").get_json()
    assert page["model_version"] == version.model_version
    assert page["sections"]["Model versions"]["in force"] == version.name
    book.use(None)
    _wait_for(client, own)


def test_a_started_service_loads_the_version_in_force(settings: Settings, book: VersionBook, add_version: Add) -> None:
    version = add_version()
    book.use(version.name)
    client = create_app(settings).test_client()
    assert _answers(client) == version.model_version


def _spot_in(region: dict[str, Any]) -> tuple[float, float]:
    """The innermost pixel of a mask, in percent."""
    height, width = PICTURE_HW
    mask = decode_brush_rle(region["value"]["rle"], PICTURE_HW)
    y, x = np.unravel_index(distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1].argmax(), mask.shape)
    return 100 * (x + 0.5) / width, 100 * (y + 0.5) / height


def _spoil(book: VersionBook, version: Version) -> None:
    book.weights(version.name).write_bytes(b"no weights")


def _change(book: VersionBook, version: Version) -> None:
    content = torch.load(book.weights(version.name), weights_only=True)
    torch.save(
        {**content, "mask_decoder.iou_token.weight": -content["mask_decoder.iou_token.weight"]},
        book.weights(version.name),
    )


def _take_away(book: VersionBook, version: Version) -> None:
    book.weights(version.name).unlink()


def _take_record(book: VersionBook, version: Version) -> None:
    (book.folder_of(version.name) / "version.json").unlink()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_spoil, "are damaged"),
        (_change, "are damaged"),
        (_take_away, "no checkpoint"),
        (_take_record, "there is no version"),
    ],
    ids=["no weights", "other weights", "no file", "no record"],
)
def test_the_settings_model_answers_for_a_damaged_version(
    damage: Callable[[VersionBook, Version], None],
    reason: str,
    settings: Settings,
    book: VersionBook,
    add_version: Add,
    caplog: pytest.LogCaptureFixture,
) -> None:
    version = add_version()
    book.use(version.name)
    damage(book, version)
    client = create_app(settings).test_client()
    assert _answers(client) == checkpoint_version(settings.model)
    problem = client.get("/").get_json()["sections"]["Model versions"]["problem"]
    assert reason in problem
    assert "the settings' model answers instead" in problem
    assert "version_failed" in caplog.text


def test_a_version_of_another_model_waits_for_its_own(
    settings: Settings, book: VersionBook, add_version: Add, tmp_path: Path, tiny_network: Sam
) -> None:
    book.use(add_version(base="vit_b-00000000").name)
    in_force = InForce(book, settings)
    source = in_force.source()
    assert source.read_version() == checkpoint_version(settings.model)
    assert source.load().version == checkpoint_version(settings.model)
    assert "was trained from vit_b-00000000, but SAM_MODEL is tiny-" in str(in_force.problem)


def test_weights_that_vanish_between_reading_and_loading_are_no_end(
    settings: Settings, book: VersionBook, add_version: Add
) -> None:
    version = add_version()
    book.use(version.name)
    source = InForce(book, settings).source()
    assert source.read_version() == version.model_version
    book.weights(version.name).unlink()
    assert source.load().version == checkpoint_version(settings.model)


NO_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.40 GiB.\nSee the documentation")


def _fail_to_load(monkeypatch: pytest.MonkeyPatch, error: Exception, paths: tuple[object, ...]) -> None:
    def load(path: str, device: str, dtype: str) -> Predictor:
        if path in map(str, paths):
            raise error
        return load_sam(path, device=device, dtype=dtype)

    monkeypatch.setattr("sam_backend.service.versions.in_force.load_sam", load)


def _wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_version_that_finds_no_memory_is_told_of_and_what_answered_goes_on(
    settings: Settings, book: VersionBook, add_version: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning = Learning.of(settings)
    own, source = checkpoint_version(settings.model), learning.in_force.source()
    ended: list[str] = []
    model = ModelLoader(source.name, source.read_version, source.load, lambda status: ended.append(status.state))
    model.start()
    model.wait(PATIENCE_S)
    follower = Follower(book, learning.in_force, model, book.stamp())
    version = add_version()
    _fail_to_load(monkeypatch, NO_MEMORY, (settings.model, book.weights(version.name)))
    book.use(version.name)
    assert follower.look()
    _wait_until(lambda: len(ended) == 2)
    assert (model.status().state, model.status().version) == ("ready", own)
    shown = learning.sections()[0].read()
    assert shown["in force"] == version.name
    assert shown["problem"] == (
        f"{version.name} can't be loaded (OutOfMemoryError: CUDA out of memory. Tried to allocate 2.40 GiB.): see to "
        f"that, and `python -m sam_backend versions use {version.name}` tries again; the settings' model can't answer "
        "instead (OutOfMemoryError: CUDA out of memory. Tried to allocate 2.40 GiB.), so all stays as it was"
    )
    _fail_to_load(monkeypatch, NO_MEMORY, ())
    book.use(version.name)
    assert follower.look()
    _wait_until(lambda: len(ended) == 3)
    assert model.status().version == version.model_version
    assert "problem" not in learning.sections()[0].read()


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        pytest.param(NO_MEMORY, "(OutOfMemoryError: CUDA out of memory. Tried to allocate 2.40 GiB.)", id="its memory"),
        pytest.param(MemoryError(), "(MemoryError)", id="memory"),
        pytest.param(OSError("an old disk"), "(OSError: an old disk)", id="disk"),
    ],
)
def test_the_settings_model_answers_whatever_a_version_fails_with(
    settings: Settings,
    book: VersionBook,
    add_version: Add,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    shown: str,
) -> None:
    version = add_version()
    book.use(version.name)
    in_force = InForce(book, settings)
    _fail_to_load(monkeypatch, error, (book.weights(version.name),))
    assert in_force.source().load().version == checkpoint_version(settings.model)
    assert f"{version.name} can't be loaded {shown}: " in str(in_force.problem)
    assert str(in_force.problem).endswith("; the settings' model answers instead")
    assert caplog.text.count("version_failed") == 1


def test_versions_share_the_encoder_of_their_base(settings: Settings, book: VersionBook, add_version: Add) -> None:
    version = add_version()
    book.use(version.name)
    predictor = InForce(book, settings).source().load()
    assert predictor.version == version.model_version
    assert predictor.encoder_version == version.base


def test_nothing_is_loaded_while_the_pointer_rests(settings: Settings, book: VersionBook, add_version: Add) -> None:
    in_force = InForce(book, settings)
    source = in_force.source()
    ended: list[str | None] = []
    model = ModelLoader(source.name, source.read_version, source.load, lambda status: ended.append(status.version))
    model.start()
    follower = Follower(book, in_force, model, book.stamp())
    assert not follower.look()
    version = add_version()
    book.use(version.name)
    assert follower.look()
    assert not follower.look()
    until_s = time.monotonic() + PATIENCE_S
    while len(ended) < 2 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert version.model_version in ended  # in whatever order the two end
    assert model.wait(0).version == version.model_version
    follower.start()
    follower.stop()


def test_a_model_that_cannot_be_loaded_replaces_nothing(settings: Settings, book: VersionBook) -> None:
    source = InForce(book, settings).source()
    ended: list[str] = []
    model = ModelLoader(source.name, source.read_version, source.load, lambda status: ended.append(status.state))
    model.start()
    model.wait(PATIENCE_S)

    def fail() -> str:
        raise OSError("gone")

    model.replace(ModelSource("other", fail, source.load))
    until_s = time.monotonic() + PATIENCE_S
    while len(ended) < 2 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert sorted(ended) == ["failed", "ready"]
    assert model.status().version == checkpoint_version(settings.model)
