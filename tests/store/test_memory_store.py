import time

from hypothesis import given
from hypothesis import strategies as st

from sam_backend.store.memory import MemoryStore


def test_least_recently_used_goes_first() -> None:
    store = MemoryStore(capacity_bytes=30)
    for key in "abc":
        store.put(key, bytes(10), ttl_s=60)
    store.get("a")
    store.put("d", bytes(10), ttl_s=60)
    assert [key for key in "abcd" if store.get(key) is not None] == ["a", "c", "d"]


def test_value_too_large_to_keep_takes_the_old_one_with_it() -> None:
    store = MemoryStore(capacity_bytes=30)
    store.put("a", bytes(10), ttl_s=60)
    store.put("a", bytes(31), ttl_s=60)
    assert (store.get("a"), store.held_bytes) == (None, 0)


def test_what_is_past_its_time_takes_no_room_once_it_is_tidied_up() -> None:
    store = MemoryStore(capacity_bytes=30)
    store.put("a", bytes(10), ttl_s=0.01)
    store.put("b", bytes(15), ttl_s=60)
    time.sleep(0.02)
    store.tidy()
    assert store.held_bytes == 15


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 40), st.booleans()), max_size=40))
def test_capacity_is_never_exceeded_and_the_count_is_right(steps: list[tuple[str, int, bool]]) -> None:
    store = MemoryStore(capacity_bytes=60)
    for key, size, is_put in steps:
        if is_put:
            store.put(key, bytes(size), ttl_s=60)
        else:
            store.delete(key)
        held = [value for key in "abcdef" if (value := store.get(key)) is not None]
        assert sum(map(len, held)) == store.held_bytes <= 60
