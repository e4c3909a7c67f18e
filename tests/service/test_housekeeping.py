import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from gunicorn_process import running_gunicorn

from sam_backend.errors import StorageError
from sam_backend.service import housekeeping, parts
from sam_backend.service.hosted import HostedBackend
from sam_backend.service.housekeeping import Housekeeping
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.settings import Settings
from sam_backend.store.disk import DiskStore

PATIENCE_S = 30
DAY_S = 24 * 3600.0


def _wait_until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "housekeeping"}


def _old_upload(spool: Path) -> Path:
    folder = spool / "uploads" / ("a" * 32)
    folder.mkdir(parents=True)
    (folder / "map.tif").touch()
    then_s = time.time() - 2 * DAY_S
    for path in (folder / "map.tif", folder):
        os.utime(path, (then_s, then_s))
    return folder


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.05)


@pytest.mark.usefixtures("often")
def test_chores_are_done_at_once_and_again_though_one_fails() -> None:
    done, errors = list[int](), list[Exception]()
    kept = Housekeeping((lambda: done.append(1 // 0), lambda: done.append(1)), errors.append)
    assert not done
    kept.start()
    _wait_until(lambda: len(done) >= 3)
    assert {type(error) for error in errors} == {ZeroDivisionError}
    kept.stop()


def test_thread_ends_when_it_is_told_to_and_when_nobody_holds_on_to_it() -> None:
    before = _threads()
    first, second = (Housekeeping((), pytest.fail) for _ in range(2))
    first.start()
    second.start()
    assert len(_threads() - before) == 2
    first.stop()
    del second
    gc.collect()
    _wait_until(lambda: not _threads() - before)


@pytest.mark.usefixtures("often")
def test_what_is_past_its_time_goes_though_nobody_asks_for_anything(
    start: Callable[..., FlaskClient], tmp_path: Path
) -> None:
    cache, ledger, spool = tmp_path / "cache", LedgerFile.in_folder(tmp_path / "data"), tmp_path / "spool"
    with ledger.writing() as connection:
        connection.execute("INSERT INTO prompt VALUES (1, 1, 'a', ?)", (time.time() - 100 * DAY_S,))
    client = start(cache_url=f"file://{cache}", data_folder=ledger.path.parent, raster_spool=spool)
    upload = _old_upload(spool)
    store = DiskStore(cache, 1_000_000)
    store.put("session/a", b"short", ttl_s=0.01)
    store.put("embedding/a", b"long", ttl_s=600)

    def prompts_in_ledger() -> int:
        with ledger.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM prompt").fetchone()[0])

    _wait_until(lambda: len(list((cache / "values").iterdir())) == 1)
    _wait_until(lambda: not upload.exists())
    _wait_until(lambda: prompts_in_ledger() == 0)
    assert client.get("/health").status_code == 200


def test_nothing_is_made_where_nothing_was_kept(start: Callable[..., FlaskClient], tmp_path: Path) -> None:
    client = start(cache_url=f"file://{tmp_path}/cache", data_folder=tmp_path / "data")
    for chore in client.application.extensions["housekeeping"]._work[0]:
        chore()
    assert {path.name for path in tmp_path.rglob("*")} == {"cache", "values", "unfinished", "locks"}


@pytest.mark.usefixtures("often")
def test_another_host_tidies_up_too(checkpoint: Path, tmp_path: Path) -> None:
    settings = Settings(model=str(checkpoint), device="cpu", cache_url=f"file://{tmp_path}", data_folder=tmp_path)
    backend, store = HostedBackend(settings), DiskStore(tmp_path, 1_000_000)
    store.put("session/a", b"short", ttl_s=0.01)
    backend._start()
    _wait_until(lambda: not list((tmp_path / "values").iterdir()))


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        pytest.param(StorageError("no room"), 'tidying_failed error="no room"', id="expected"),
        pytest.param(ZeroDivisionError(), "unexpected error while tidying up", id="unexpected"),
    ],
)
def test_failure_is_logged(error: Exception, logged: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        parts._say_not_tidied(error)
    assert logged in caplog.text


def test_worker_of_gunicorn_tidies_up_and_ends_in_order(checkpoint: Path, tmp_path: Path) -> None:
    upload = _old_upload(tmp_path / "spool")
    settings = {"SAM_RASTER_SPOOL": str(tmp_path / "spool"), "SAM_CACHE_URL": f"file://{tmp_path}/cache"}
    with running_gunicorn(checkpoint, tmp_path, **settings) as gunicorn:
        _wait_until(lambda: not upload.exists())
    assert "tidying" not in gunicorn.log
