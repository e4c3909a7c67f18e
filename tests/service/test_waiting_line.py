import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.service.waiting_line import WaitingLine

CAPACITY = 4
Adds = list[tuple[int, bool]]


def _drained(line: WaitingLine[str]) -> list[str]:
    return [line.pop() for _ in range(len(line))]


class _ByRank:
    """The same said otherwise: all that waits with its rank, sorted anew each time."""

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[tuple[int, int], str]] = {}
        self.count = 0

    def add(self, key: int, value: str, *, is_opened: bool) -> bool:
        self.count += 1
        rank = (0, -self.count) if is_opened else (1, self.count)
        if key in self.waiting:
            rank = min(rank, self.waiting[key][0])
        elif not is_opened and len(self.waiting) >= CAPACITY:
            return False
        self.waiting[key] = (rank, value)
        if len(self.waiting) > CAPACITY:
            del self.waiting[max(self.waiting, key=lambda one: self.waiting[one][0])]
        return True

    def in_order(self) -> list[str]:
        return [value for _, value in sorted(self.waiting.values())]


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=30))
def test_line_is_in_order_of_rank_whatever_comes(adds: Adds) -> None:
    line, by_rank = WaitingLine[str](CAPACITY), _ByRank()
    for number, (key, is_opened) in enumerate(adds):
        value = f"{key} as of {number}"
        assert line.add(key, value, is_opened=is_opened) == by_rank.add(key, value, is_opened=is_opened)
        assert len(line) == len(by_rank.waiting)
    assert _drained(line) == by_rank.in_order()


@pytest.mark.parametrize(
    ("adds", "left"),
    [
        pytest.param([("a", False), ("b", False), ("c", True)], ["c", "a"], id="the newest of the new"),
        pytest.param([("a", True), ("b", True), ("c", True)], ["c", "b"], id="what was opened longest ago"),
        pytest.param([("a", False), ("b", False), ("b", True)], ["b", "a"], id="nobody, as it waited already"),
    ],
)
def test_opened_one_takes_the_room_of(adds: list[tuple[str, bool]], left: list[str]) -> None:
    line = WaitingLine[str](2)
    for name, is_opened in adds:
        assert line.add(name, name, is_opened=is_opened)
    assert _drained(line) == left


def test_nothing_waits_after_clearing() -> None:
    line = WaitingLine[str](2)
    line.add("a", "a", is_opened=True)
    line.add("b", "b", is_opened=False)
    line.clear()
    assert len(line) == 0
    with pytest.raises(KeyError):
        line.pop()


@pytest.mark.parametrize("is_opened", [False, True], ids=["new", "opened"])
def test_adding_takes_no_longer_where_many_wait(is_opened: bool) -> None:
    line = WaitingLine[int](2000)
    started_s = time.perf_counter()
    for key in range(50_000):
        line.add(key, key, is_opened=is_opened)
    assert time.perf_counter() - started_s < 2
    assert len(line) == 2000
