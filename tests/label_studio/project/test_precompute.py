import base64
import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cache_contents import contents
from fake_project import CONFIG, ProjectStudio
from fake_studio import LEGACY

from sam_backend.cli import precompute
from sam_backend.predict.predictor import Predictor
from sam_backend.service.app import create_app
from sam_backend.settings import Settings

Command = Callable[..., tuple[int, str, str]]
MakePicture = Callable[..., bytes]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of all pictures that were encoded."""
    done: list[tuple[int, ...]] = []
    embed = Predictor.embed

    def record(self: Predictor, image: np.ndarray) -> object:
        done.append(image.shape)
        return embed(self, image)

    monkeypatch.setattr(Predictor, "embed", record)
    return done


@pytest.fixture
def cars(fake: ProjectStudio, picture: MakePicture) -> ProjectStudio:
    """Five uploaded pictures."""
    for number in range(1, 6):
        fake.pictures[f"/data/upload/1/{number}.png"] = picture(number)
        fake.add(number, f"/data/upload/1/{number}.png")
    return fake


def _n_downloads(fake: ProjectStudio, status: int = 200) -> int:
    return sum(path.startswith(("/data/", "/pictures/")) and its == status for path, _, its in fake.asked)


def test_service_finds_what_was_precomputed(
    cars: ProjectStudio, command: Command, environment: dict[str, str], encoded: list[tuple[int, ...]]
) -> None:
    code, said, _ = command("precompute")
    assert (code, said) == (0, "Cars: 5 pictures encoded, 0 were there, 0 failed\n")
    assert encoded == [(60, 80, 3)] * 5
    client = create_app(Settings.from_env(environment)).test_client()
    task = {"id": 3, "data": {"image": "/data/upload/1/3.png"}}
    point = {
        "type": "rectanglelabels",
        "from_name": "box",
        "to_name": "image",
        "original_width": 80,
        "original_height": 60,
        "value": {"x": 10, "y": 10, "width": 60, "height": 70, "rotation": 0, "rectanglelabels": ["Car"]},
    }
    body = {"tasks": [task], "project": "7.1", "label_config": CONFIG, "params": {"context": {"result": [point]}}}
    answer = client.post("/predict", json=body)
    assert answer.get_json()["results"][0]["result"]
    assert encoded == [(60, 80, 3)] * 5, "the service encoded the whole picture again"


def test_second_run_downloads_and_encodes_nothing(
    cars: ProjectStudio, command: Command, encoded: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command("precompute")
    n_downloads = _n_downloads(cars)
    monkeypatch.setattr("sam_backend.cli.lazy_model.load_sam", lambda *_, **__: pytest.fail("loads the model"))
    assert command("precompute")[:2] == (0, "Cars: 0 pictures encoded, 5 were there, 0 failed\n")
    assert (_n_downloads(cars), len(encoded)) == (n_downloads, 5)


def test_picture_that_may_change_is_asked_about_and_downloaded_only_if_it_has(
    fake: ProjectStudio, command: Command, picture: MakePicture, encoded: list[tuple[int, ...]]
) -> None:
    fake.etags = True
    for number in (1, 2):
        fake.pictures[f"/pictures/{number}.png"] = picture(number)
        fake.add(number, f"/pictures/{number}.png")
    command("precompute")
    fake.pictures["/pictures/2.png"] = picture(3, (30, 40))
    assert command("precompute")[1] == "Cars: 1 pictures encoded, 1 were there, 0 failed\n"
    assert (_n_downloads(fake), _n_downloads(fake, 304)) == (3, 1)
    assert sorted(encoded) == [(30, 40, 3), (60, 80, 3), (60, 80, 3)]


def test_picture_without_a_mark_of_its_version_is_downloaded_and_recognised(
    fake: ProjectStudio, command: Command, picture: MakePicture, encoded: list[tuple[int, ...]]
) -> None:
    fake.pictures["/pictures/1.png"] = picture(1)
    fake.add(1, "/pictures/1.png")
    fake.add(2, "data:image/png;base64," + base64.b64encode(picture(1)).decode())
    assert command("precompute")[1] == "Cars: 1 pictures encoded, 1 were there, 0 failed\n"
    assert command("precompute")[1] == "Cars: 0 pictures encoded, 2 were there, 0 failed\n"
    assert (_n_downloads(fake), len(encoded)) == (2, 1)


def test_broken_pictures_are_named_counted_and_passed_over(
    cars: ProjectStudio, command: Command, picture: MakePicture
) -> None:
    cars.pictures["/data/upload/1/2.png"] = b"no picture"
    del cars.pictures["/data/upload/1/4.png"]
    cars.add(6, "ftp://elsewhere/6.png")
    code, said, warned = command("precompute")
    assert (code, said) == (1, "Cars: 3 pictures encoded, 0 were there, 3 failed\n")
    assert "skipped task 2, " in warned
    assert "2.png is no picture that can be read" in warned
    assert "skipped task 4, /data/upload/1/4.png: " in warned
    assert "skipped task 6, ftp://elsewhere/6.png: " in warned
    cars.pictures["/data/upload/1/2.png"] = picture(2)
    cars.pictures["/data/upload/1/4.png"] = picture(4)
    del cars.tasks[6]
    assert command("precompute")[:2] == (0, "Cars: 2 pictures encoded, 3 were there, 0 failed\n")


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch, encoded: list[tuple[int, ...]]
) -> None:
    show, n_shown = precompute._show, 0

    def press_ctrl_c(*arguments: object) -> None:
        nonlocal n_shown
        show(*arguments)
        n_shown += 1
        if n_shown == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(precompute, "_show", press_ctrl_c)
    code, said, _ = command("precompute")
    assert (code, said) == (
        130,
        "stopped: 2 pictures encoded, 0 were there, 0 failed; the same command goes on from here\n",
    )
    monkeypatch.setattr(precompute, "_show", show)
    assert command("precompute")[:2] == (0, "Cars: 3 pictures encoded, 2 were there, 0 failed\n")
    assert len(encoded) == 5


def test_project_larger_than_the_cache_is_warned_of(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAM_CACHE_DISK_MB", "1")
    for number in range(6, 2000):
        cars.add(number, "/data/upload/1/1.png")
    cars.on_page = lambda: [cars.tasks.pop(number, None) for number in range(6, 2000)] and None
    assert "of which SAM_CACHE_DISK_MB=1 keeps the last used only" in command("precompute")[2]


def test_cache_that_keeps_nothing_ends_the_run(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam_backend.store.disk.DiskStore.put", lambda *_: None)
    code, _, said = command("precompute")
    assert code == 2
    assert "raise SAM_CACHE_DISK_MB" in said


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        pytest.param("SAM_CACHE_URL", "memory", "embeddings in memory would be gone with this command", id="memory"),
        pytest.param("LABEL_STUDIO_API_KEY", "", "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY", id="no key"),
        pytest.param("LABEL_STUDIO_API_KEY", "wrong", "refuses the token for project 7", id="wrong key"),
    ],
)
def test_what_is_missing_is_told_in_a_sentence(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, wanted: str
) -> None:
    monkeypatch.setenv(variable, value)
    code, _, said = command("precompute")
    assert (code, said.count("\n")) == (2, 1)
    assert wanted in said


def test_options_go_before_the_environment(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    options = ["--url", cars.url, "--api-key", LEGACY, "--cache-url", f"file://{tmp_path}/other"]
    assert command("precompute", *options)[0] == 0
    assert len(contents(tmp_path / "other")) == 10  # an embedding and a note for each


def test_project_without_pictures_is_told(cars: ProjectStudio, command: Command) -> None:
    cars.config = '<View><Text name="text" value="$text"/></View>'
    assert "has no <Image>" in command("precompute")[2]


def test_notes_that_can_not_be_read_are_written_anew(cars: ProjectStudio, command: Command, tmp_path: Path) -> None:
    from sam_backend.store.disk import DiskStore

    command("precompute")
    before = contents(tmp_path / "cache")
    store = DiskStore(tmp_path / "cache", 10**9)
    for key in before:
        if key.startswith("picture/"):
            store.put(key, b"[]", 60)
    assert command("precompute")[1] == "Cars: 0 pictures encoded, 5 were there, 0 failed\n"
    assert contents(tmp_path / "cache") == before


def test_project_of_2000_tasks_needs_no_more_memory_than_one_of_200(
    fake: ProjectStudio, command: Command, picture: MakePicture
) -> None:
    fake.pictures["/data/upload/1/1.png"] = picture(1)
    fake.on_page = lambda: gc.collect() and None  # what is garbage already doesn't count

    def peak_bytes(n_tasks: int) -> int:
        """Beyond what there was before, the fake's own tasks."""
        for number in range(1, n_tasks + 1):
            fake.add(number, "/data/upload/1/1.png")
            fake.tasks[number]["data"]["note"] = "x" * 10_000
        gc.collect()
        gc.freeze()  # what is there now isn't looked through again after each page
        tracemalloc.start()
        code, _, _ = command("precompute")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        gc.unfreeze()
        assert code == 0
        return peak

    small, large = peak_bytes(200), peak_bytes(2000)
    assert large < 1.5 * small + 1_000_000  # all 2,000 tasks at once would be 20 MB more
