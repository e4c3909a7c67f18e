import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sam_backend.store.byte_store import ByteStore


def test_value_comes_back_until_it_is_deleted(store: ByteStore) -> None:
    assert store.get("a") is None
    store.put("a", b"\0one", ttl_s=60)
    store.put("b", b"", ttl_s=60)
    assert (store.get("a"), store.get("b")) == (b"\0one", b"")
    store.put("a", b"two", ttl_s=60)
    assert store.get("a") == b"two"
    store.delete("a")
    store.delete("never there")
    assert (store.get("a"), store.get("b")) == (None, b"")


def test_value_is_gone_when_its_time_is_up(store: ByteStore) -> None:
    store.put("a", b"short", ttl_s=0.05)
    store.put("b", b"long", ttl_s=60)
    time.sleep(0.1)
    assert (store.get("a"), store.get("b")) == (None, b"long")


def test_tidying_up_takes_nothing_that_is_good(store: ByteStore) -> None:
    store.put("a", b"short", ttl_s=0.05)
    store.put("b", b"long", ttl_s=60)
    time.sleep(0.1)
    store.tidy()
    assert (store.get("a"), store.get("b")) == (None, b"long")


def test_store_says_what_it_has_without_reading_it(store: ByteStore) -> None:
    store.put("a", b"", ttl_s=60)
    store.put("b", b"short", ttl_s=0.05)
    time.sleep(0.1)
    assert (store.has("a"), store.has("b"), store.has("never there")) == (True, False, False)
    store.delete("a")
    assert not store.has("a")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), st.binary(max_size=200)))
def test_any_text_is_a_key_and_any_bytes_are_a_value(store: ByteStore, values: dict[str, bytes]) -> None:
    for key, value in values.items():
        store.put(key, value, ttl_s=60)
    assert {key: store.get(key) for key in values} == values


def test_lock_lets_one_in_at_a_time_per_key(store: ByteStore) -> None:
    inside = {"a": 0, "b": 0}
    most = {"a": 0, "b": 0}

    def work(key: str) -> None:
        with store.lock(key):
            inside[key] += 1
            most[key] = max(most[key], inside[key])
            time.sleep(0.005)
            inside[key] -= 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, ["a", "b"] * 8))
    assert most == {"a": 1, "b": 1}


def test_lock_is_free_again_after_an_error_inside_it(store: ByteStore) -> None:
    def fail() -> None:
        with store.lock("a"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    entered = threading.Event()

    def enter() -> None:
        with store.lock("a"):
            entered.set()

    threading.Thread(target=enter, daemon=True).start()
    assert entered.wait(5)
