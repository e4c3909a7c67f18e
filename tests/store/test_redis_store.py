import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis
from redis_server import running_redis

from sam_backend.errors import SettingsError, StorageError
from sam_backend.store import redis_store
from sam_backend.store.open_store import open_shared_store
from sam_backend.store.redis_store import RedisStore

HOLD = """
import sys, time
from sam_backend.store.redis_store import RedisStore
with RedisStore(sys.argv[1]).lock("picture"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_every_key_begins_with_ours_and_expires(redis_url: str) -> None:
    RedisStore(redis_url).put("mine", b"value", ttl_s=60)
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("sam:mine") == b"value"
        assert 0 < client.ttl("sam:mine") <= 60


def test_lock_lives_as_long_as_its_holder(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "_LOCK_EXPIRES_S", 0.6)
    store, entered = RedisStore(redis_url), threading.Event()

    def enter() -> None:
        with RedisStore(redis_url).lock("long"):
            entered.set()

    with store.lock("long"):
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(1.5)
    waiting.join(5)
    assert entered.is_set()


def test_lock_of_a_killed_worker_is_free_soon(redis_url: str) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, redis_url], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    holder.stdout.close()
    started_s = time.monotonic()
    with RedisStore(redis_url).lock("picture"):
        assert time.monotonic() - started_s < 2 * redis_store._LOCK_EXPIRES_S


def test_lock_that_redis_forgot_is_lost_in_silence(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "_LOCK_EXPIRES_S", 0.3)
    with redis.Redis.from_url(redis_url) as client, RedisStore(redis_url).lock("lost"):
        client.delete("sam:lock:lost")
        time.sleep(0.3)


def test_redis_that_hangs_is_waited_for_briefly(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url, redis.Redis.from_url(url) as client:
        process_id, store = client.info("server")["process_id"], RedisStore(url)
        store.put("a", b"value", ttl_s=60)
        os.kill(process_id, signal.SIGSTOP)
        try:
            started_s = time.monotonic()
            with pytest.raises(StorageError, match="TimeoutError"):
                store.get("a")
            assert time.monotonic() - started_s < 6
        finally:
            os.kill(process_id, signal.SIGCONT)


def test_redis_that_is_down_says_so_without_the_password(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url:
        port = url.rpartition(":")[2]
    store = RedisStore(f"redis://:secret@127.0.0.1:{port}")
    for call in (lambda: store.get("a"), lambda: store.put("a", b"", 1), lambda: store.delete("a")):
        with pytest.raises(StorageError, match=r"Redis at 127\.0\.0\.1 can't be used \(ConnectionError\)") as caught:
            call()
        assert "secret" not in str(caught.value)
    with pytest.raises(StorageError), store.lock("a"):
        pytest.fail("never held")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("http://example.org", "", id="no Redis"),
        pytest.param("redis://:head/TAIL@redis:6379/0", " (redis:6379/0)", id="slash"),
        pytest.param("redis://:1234/TAIL@redis:6379/0", " (redis:6379/0)", id="slash behind what looks like a port"),
        pytest.param("redis://:head@TAIL/TAIL@redis", " (redis)", id="at and slash"),
        pytest.param("redis://:head#TAIL@redis", " (redis)", id="hash"),
        pytest.param("redis://:head[TAIL@redis", " (redis)", id="bracket"),
        pytest.param("redis://:head?TAIL@redis", "", id="question mark"),
        pytest.param("redis://redis/0?password=head@TAIL", "", id="in the query"),
        pytest.param("redis://:TAIL", "", id="host forgotten"),
    ],
)
def test_address_of_no_redis_says_how_passwords_are_written_and_shows_none(url: str, shown: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_shared_store(url, disk_bytes=1) if url.startswith("redis") else RedisStore(url)
    assert str(caught.value).startswith(f"SAM_CACHE_URL names no Redis{shown}: give redis://[:PASSWORD@]HOST")
    assert "percent-encoded (%2F %3F %23 %40)" in str(caught.value)
    assert "TAIL" not in str(caught.value)


def test_password_may_hold_any_sign_when_it_is_encoded() -> None:
    store = RedisStore("redis://:a%2F%3F%23%40b@127.0.0.1:1/0")
    assert store._redis.connection_pool.connection_kwargs["password"] == "a/?#@b"  # noqa: S105 - of nobody
    with pytest.raises(StorageError, match=r"Redis at 127\.0\.0\.1 can't be used"):
        store.get("a")


def test_socket_is_shown_without_the_password() -> None:
    with pytest.raises(StorageError, match=r"Redis at /nowhere/redis\.sock can't be used"):
        RedisStore("unix://:se/cret@/nowhere/redis.sock?db=1").get("a")
