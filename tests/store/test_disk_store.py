import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sam_backend.errors import StorageError
from sam_backend.store import disk
from sam_backend.store.disk import DiskStore

WRITE_FOR_EVER = """
import sys
from pathlib import Path
from sam_backend.store.disk import DiskStore
store = DiskStore(Path(sys.argv[1]), 400_000_000)
with store.lock("held"):
    print("writing", flush=True)
    while True:
        for byte in range(256):
            store.put(f"key{byte % 8}", bytes([byte]) * 3_000_000, ttl_s=600)
"""


def _held_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_killed_worker_leaves_whole_files_and_no_lock(tmp_path: Path) -> None:
    for _ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        time.sleep(0.15)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    for unfinished in (tmp_path / "unfinished").iterdir():
        os.utime(unfinished, (0, 0))
    store = DiskStore(tmp_path, 400_000_000)
    assert list((tmp_path / "unfinished").iterdir()) == []
    values = [store.get(f"key{index}") for index in range(8)]
    assert any(values)
    for value in values:
        assert value is None or (len(value) == 3_000_000 and len(set(value)) == 1)
    with store.lock("held"):
        pass


def test_file_that_a_living_worker_writes_is_left_alone(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, 10_000)
    with (tmp_path / "unfinished" / "mine").open("wb") as file:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(file.name, (0, 0))
        DiskStore(tmp_path, 10_000)
        assert (tmp_path / "unfinished" / "mine").exists()
    (tmp_path / "unfinished" / "young").write_bytes(b"x")
    DiskStore(tmp_path, 10_000)
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["young"]
    assert store.get("mine") is None


def test_folder_stays_within_its_cap_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, 100_000)
    for index in range(60):
        store.put(f"key{index}", bytes(5000), ttl_s=60)
        assert store.get("key0") == bytes(5000)
        assert _held_bytes(tmp_path) <= 100_000
    assert store.get("key59") is not None
    assert store.get("key1") is None


def test_what_is_past_its_time_leaves_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path, 100_000)
    store.put("long", bytes(5000), ttl_s=10_000)
    for index in range(5):
        store.put(f"short{index}", bytes(5000), ttl_s=3600)
    (tmp_path / "values" / "torn").write_bytes(b"SAM")
    (tmp_path / "values" / "another's").write_bytes(bytes(100))
    in_two_hours_s = time.time() + 7200
    monkeypatch.setattr(disk.time, "time", lambda: in_two_hours_s)
    later = DiskStore(tmp_path, 100_000)
    assert {path.name for path in (tmp_path / "values").iterdir()} == {disk._digest("long"), "torn", "another's"}
    assert later.get("long") == bytes(5000)


def test_what_is_past_its_time_makes_room_before_what_was_used_long_ago(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, 100_000)
    store.put("long", bytes(10_000), ttl_s=10_000)
    for path in (tmp_path / "values").iterdir():
        os.utime(path, (0, 0))
    for index in range(7):
        store.put(f"short{index}", bytes(10_000), ttl_s=0.3)
    time.sleep(0.4)
    for index in range(3):
        store.put(f"new{index}", bytes(10_000), ttl_s=60)
    assert store.has("long")


def test_second_worker_counts_what_the_first_has_written(tmp_path: Path) -> None:
    first, second = DiskStore(tmp_path, 100_000), DiskStore(tmp_path, 100_000)
    for index in range(60):
        (first if index % 2 else second).put(f"key{index}", bytes(3000), ttl_s=60)
        assert _held_bytes(tmp_path) <= 100_000
    assert second.get("key59") == bytes(3000)


def test_value_too_large_to_keep_takes_the_old_one_with_it(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, 80_000)
    store.put("a", b"old", ttl_s=60)
    store.put("a", bytes(10_000), ttl_s=60)
    assert store.get("a") is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"X" + content[1:], id="of something else"),
        pytest.param(lambda content: content[:20] + b"b" + content[21:], id="of another key"),
    ],
)
def test_file_that_is_not_ours_counts_as_none(tmp_path: Path, damage: object) -> None:
    store = DiskStore(tmp_path, 80_000)
    store.put("a", b"value", ttl_s=60)
    (path,) = (tmp_path / "values").iterdir()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert store.get("a") is None
    assert not path.exists()


def test_lock_of_one_kind_of_keys_holds_up_no_other_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_N_LOCKS", 1)
    store, entered = DiskStore(tmp_path, 80_000), threading.Event()

    def enter() -> None:
        with store.lock("session/b"), store.lock("c"):
            entered.set()

    with store.lock("embedding/a"):
        threading.Thread(target=enter, daemon=True).start()
        assert entered.wait(5)


def test_values_outlive_the_process(tmp_path: Path) -> None:
    DiskStore(tmp_path, 80_000).put("a", b"value", ttl_s=60)
    assert DiskStore(tmp_path, 80_000).get("a") == b"value"


def test_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "cache", 80_000)
    store.put("a", b"lost", ttl_s=60)
    shutil.rmtree(tmp_path / "cache")
    assert (store.get("a"), store.has("a")) == (None, False)
    store.delete("a")
    with store.lock("a"):
        store.put("a", b"kept", ttl_s=60)
    shutil.rmtree(tmp_path / "cache")
    store.put("b", bytes(5000), ttl_s=60)  # so much that it tidies up first
    assert (store.get("a"), store.get("b")) == (None, bytes(5000))


def test_folder_that_can_not_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"can't be made .*: check room and permissions"):
        DiskStore(tmp_path / "file" / "cache", 1000)
    store = DiskStore(tmp_path / "cache", 100_000)
    (tmp_path / "cache" / "unfinished").rmdir()
    (tmp_path / "cache" / "unfinished").touch()
    with pytest.raises(StorageError, match="can't be written"):
        store.put("a", b"", ttl_s=60)
