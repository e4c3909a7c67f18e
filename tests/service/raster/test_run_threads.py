import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from raster_runs import Ask, all_events, begin, run_body

from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.geo.run.journal import Journal
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.raster import taking_on
from sam_backend.service.raster.asking import Asking
from sam_backend.service.raster.courtesy import Courtesy
from sam_backend.service.raster.host import ClickHost, RunHost
from sam_backend.service.raster.raster_paths import RasterPaths
from sam_backend.service.raster.run_book import RunBook
from sam_backend.service.raster.run_threads import RunThreads
from sam_backend.service.raster.spool import Spool
from sam_backend.service.raster.taking_on import TakingOn
from sam_backend.service.raster.uploads import Uploads


@dataclass
class Waiting:
    """Goes on until it is stopped."""

    has_begun: threading.Event
    has_ended: threading.Event

    def do(self, is_stopping: Callable[[], bool]) -> None:
        self.has_begun.set()
        while not is_stopping():
            time.sleep(0.01)
        self.has_ended.set()


class Failing:
    def do(self, is_stopping: Callable[[], bool]) -> None:
        raise ZeroDivisionError


def test_stopping_waits_until_all_runs_have_ended() -> None:
    threads = RunThreads(Courtesy(EncodeLanes()), pytest.fail)
    runs = [Waiting(threading.Event(), threading.Event()) for _ in range(2)]
    for run in runs:
        threads.start(run)
    assert all(run.has_begun.wait(30) for run in runs)
    threads.stop()
    assert all(run.has_ended.is_set() for run in runs)


def test_an_error_that_nobody_expected_is_told() -> None:
    told = list[Exception]()
    threads = RunThreads(Courtesy(EncodeLanes()), told.append)
    threads.start(Failing())
    threads.stop()
    assert [type(error) for error in told] == [ZeroDivisionError]


@pytest.fixture
def engine(tiny_predictor: Predictor, shelf: Path, tmp_path: Path) -> TakingOn:
    """The service's part without HTTP."""
    lanes = EncodeLanes()
    model = ModelLoader("tiny", lambda: tiny_predictor.version, lambda: tiny_predictor, on_end=lambda _: None)
    model.start()
    views = ViewBook(EmbeddingLibrary(EmbeddingCache(10_000_000), shared=None))
    spool, courtesy = Spool(tmp_path / "spool"), Courtesy(lanes)
    book = RunBook(spool, keep_s=3600)
    return TakingOn(
        asking=Asking(RasterPaths((shelf,), Uploads(spool, 10_000_000)), book),
        book=book,
        threads=RunThreads(courtesy, pytest.fail),
        run_host=RunHost(model, views, courtesy),
        click_host=ClickHost(model, views, lanes),
    )


def test_a_run_is_left_without_an_end_when_its_worker_stops(engine: TakingOn, geotiff: Path) -> None:
    run = engine.book.find(engine.run(run_body(geotiff, overlap=60, points_per_side=20)))
    while not any(event.get("n_finished") for event in run.events()):
        time.sleep(0.05)
    engine.threads.stop()
    assert not run.is_held()
    assert "interrupted" in run.events()[-1]["message"]
    assert Journal.open_existing(run.journal_path).finished()


def test_a_run_whose_events_cant_be_written_lets_others_have_their_turn(engine: TakingOn, geotiff: Path) -> None:
    run = engine.book.find(engine.run(run_body(geotiff)))
    run.events_path.unlink(missing_ok=True)
    run.events_path.mkdir()
    until_s = time.monotonic() + 60
    while run.is_held():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_too_many_runs_are_refused(
    raster_client: FlaskClient, ask: Ask, geotiff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_on, "_MOST_WAITING", 1)
    run = begin(ask, run_body(geotiff, overlap=60, points_per_side=20))
    status, error = ask("POST", "/runs", run_body(geotiff))
    assert (status, error["kind"]) == (503, "unavailable")
    ask("DELETE", f"/runs/{run}")
    all_events(ask, run)


def test_a_run_that_cant_begin_and_a_refilter_that_fails_leave_nothing(ask: Ask, geotiff: Path, tmp_path: Path) -> None:
    (geotiff.parent / "broken.tif").write_bytes(geotiff.read_bytes()[:200])
    assert ask("POST", "/runs", run_body(geotiff.parent / "broken.tif"))[0] == 422
    runs = tmp_path / "spool" / "runs"
    assert list(runs.iterdir()) == []
    run = begin(ask, run_body(geotiff, overlap=60, points_per_side=20))
    ask("DELETE", f"/runs/{run}")
    all_events(ask, run)
    (runs / run / "journal").write_text("no journal")
    assert ask("POST", "/refilter", {"journal": f"run:{run}"})[0] == 422
    assert [path.name for path in runs.iterdir()] == [run]


def test_an_upload_has_a_largest_size(start_raster: Callable[..., FlaskClient], tmp_path: Path) -> None:
    client = start_raster(raster_upload_mb=1)
    big = b"II*\0" + bytes(1_000_000)
    answer = client.post("/raster/uploads?name=a.tif", data=big)
    assert answer.status_code == 413
    assert "SAM_RASTER_UPLOAD_MB" in answer.get_json()["message"]
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post("/raster/uploads?name=a.tif", data=big, environ_overrides=chunked)
    assert answer.status_code == 413
    assert list((tmp_path / "spool" / "uploads").iterdir()) == []
    assert client.post("/raster/uploads?name=a.tif", data=big[:900_000]).status_code == 200
