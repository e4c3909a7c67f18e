import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.predict.embedding_cache import EmbeddingCache

Cache = EmbeddingCache[np.ndarray]


def _bytes(n_bytes: int) -> np.ndarray:
    return np.zeros(n_bytes, np.uint8)


def test_second_ask_gets_the_kept_value() -> None:
    cache = Cache(100)
    first = cache.get_or_make("a", lambda: _bytes(10))
    assert cache.get_or_make("a", lambda: pytest.fail("made twice")) is first
    assert cache.held_bytes == 10


def test_least_recently_used_goes_first() -> None:
    cache = Cache(20)
    a, b = (cache.get_or_make(key, lambda: _bytes(10)) for key in "ab")
    cache.get_or_make("a", lambda: pytest.fail("a is kept"))
    cache.get_or_make("c", lambda: _bytes(10))
    assert cache.get_or_make("a", lambda: _bytes(10)) is a
    assert cache.get_or_make("b", lambda: _bytes(10)) is not b


@pytest.mark.parametrize(("capacity_bytes", "n_bytes"), [(0, 1), (10, 11)], ids=["no memory", "larger than all"])
def test_value_that_does_not_fit_is_handed_out_but_not_kept(capacity_bytes: int, n_bytes: int) -> None:
    cache = Cache(capacity_bytes)
    first = cache.get_or_make("a", lambda: _bytes(n_bytes))
    assert first.nbytes == n_bytes
    assert cache.held_bytes == 0
    assert cache.get_or_make("a", lambda: _bytes(n_bytes)) is not first


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40))
def test_capacity_is_never_exceeded_and_the_count_is_right(asks: list[tuple[int, int]]) -> None:
    cache = Cache(50)
    for key, n_bytes in asks:
        cache.get_or_make(key, lambda n_bytes=n_bytes: _bytes(n_bytes))
        assert cache.held_bytes <= 50
        assert cache.held_bytes == sum(value.nbytes for value in cache._kept.values())


def test_eight_at_once_cost_one_making() -> None:
    cache, n_made = Cache(100), 0
    everybody = threading.Barrier(8)

    def make() -> np.ndarray:
        nonlocal n_made
        n_made += 1
        time.sleep(0.05)
        return _bytes(10)

    def ask(_: int) -> np.ndarray:
        everybody.wait()
        return cache.get_or_make("a", make)

    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(ask, range(8)))
    assert n_made == 1
    assert all(value is values[0] for value in values)


def test_other_keys_do_not_wait() -> None:
    cache, release = Cache(100), threading.Event()

    def make_slowly() -> np.ndarray:
        release.wait(5)
        return _bytes(1)

    slow = threading.Thread(target=cache.get_or_make, args=("slow", make_slowly))
    slow.start()
    assert cache.get_or_make("quick", lambda: _bytes(2)).nbytes == 2
    assert slow.is_alive()
    release.set()
    slow.join()


def test_error_reaches_all_who_wait_and_is_not_kept() -> None:
    cache, everybody = Cache(100), threading.Barrier(4)

    def fail() -> np.ndarray:
        time.sleep(0.05)
        raise ValueError("broken picture")

    def ask(_: int) -> str:
        everybody.wait()
        with pytest.raises(ValueError, match="broken picture") as caught:
            cache.get_or_make("a", fail)
        return str(caught.value)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == ["broken picture"] * 4
    assert cache.get_or_make("a", lambda: _bytes(3)).nbytes == 3
