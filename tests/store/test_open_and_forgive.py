import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sam_backend.errors import SettingsError, StorageError
from sam_backend.store import forgiving
from sam_backend.store.disk import DiskStore
from sam_backend.store.forgiving import ForgivingStore
from sam_backend.store.memory import MemoryStore
from sam_backend.store.open_store import open_shared_store
from sam_backend.store.redis_store import RedisStore


def test_address_chooses_the_store(tmp_path: Path) -> None:
    assert open_shared_store("memory", 1000) is None
    assert isinstance(open_shared_store("redis://127.0.0.1:1/0", 1000), RedisStore)
    assert isinstance(open_shared_store(f"file://{tmp_path}/with%20space", 1000), DiskStore)
    assert (tmp_path / "with space").is_dir()
    with pytest.raises(SettingsError, match="SAM_CACHE_URL='ftp' is no kind of cache"):
        open_shared_store("ftp://host", 1000)


def test_store_that_is_down_keeps_nothing_and_is_asked_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, errors = DiskStore(tmp_path, 80_000), list[StorageError]()
    store = ForgivingStore(disk, errors.append)
    now_s = 100.0
    monkeypatch.setattr(forgiving.time, "monotonic", lambda: now_s)
    (tmp_path / "unfinished").rmdir()
    (tmp_path / "unfinished").touch()
    store.put("a", b"lost", ttl_s=60)
    (tmp_path / "unfinished").unlink()
    store.put("a", b"lost too", ttl_s=60)
    assert len(errors) == 1
    with store.lock("a"):
        store.delete("a")
        assert store.get("a") is None
        assert not store.has("a")
    now_s += 6
    store.put("a", b"kept", ttl_s=60)
    with store.lock("a"):
        assert store.get("a") == b"kept"
        assert store.has("a")
    store.delete("a")
    assert (store.get("a"), len(errors)) == (None, 1)


class Switched(MemoryStore):
    """Down while it is told to be."""

    is_down = True
    n_asked = 0

    def get(self, key: str) -> bytes | None:
        self.n_asked += 1
        if self.is_down:
            raise StorageError("down")
        return super().get(key)


def test_pause_doubles_up_to_a_minute_and_is_short_again_after_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    switched, errors = Switched(1000), list[StorageError]()
    store = ForgivingStore(switched, errors.append)
    now_s = 100.0
    monkeypatch.setattr(forgiving.time, "monotonic", lambda: now_s)

    def asked_at_s(until_s: int) -> Iterator[float]:
        nonlocal now_s
        while now_s < until_s:
            n_asked = switched.n_asked
            store.get("a")
            if switched.n_asked > n_asked:
                yield now_s
            now_s += 1

    assert list(asked_at_s(300)) == [100, 105, 115, 135, 175, 235, 295]
    assert len(errors) == 7
    switched.is_down = False
    assert list(asked_at_s(357)) == [355, 356]
    switched.is_down = True
    assert list(asked_at_s(370)) == [357, 362]


def test_calls_that_fail_beside_each_other_make_one_pause() -> None:
    errors, meeting = list[StorageError](), threading.Barrier(8, timeout=30)

    class Hanging(MemoryStore):
        def get(self, key: str) -> bytes | None:
            meeting.wait()
            raise StorageError("down")

    store = ForgivingStore(Hanging(1000), errors.append)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store.get, "a" * 8))
    assert (len(errors), store._next_pause_s) == (1, 10)


def test_lock_is_given_back_while_the_store_is_down() -> None:
    switched = Switched(1000)
    store = ForgivingStore(switched, lambda _: None)
    with store.lock("a"):
        assert store.get("a") is None
        assert list(switched._locks) == ["a"]
    assert list(switched._locks) == []


def test_lock_that_can_not_be_had_locks_nothing(tmp_path: Path) -> None:
    errors = list[StorageError]()
    disk = DiskStore(tmp_path, 80_000)
    (tmp_path / "locks").rmdir()
    (tmp_path / "locks").touch()
    with ForgivingStore(disk, errors.append).lock("a"):
        assert len(errors) == 1


def test_error_inside_the_lock_comes_out() -> None:
    with pytest.raises(ZeroDivisionError), ForgivingStore(MemoryStore(1000), pytest.fail).lock("a"):
        raise ZeroDivisionError
