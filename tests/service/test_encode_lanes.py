import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from sam_backend.errors import ImageError
from sam_backend.service.encode_lanes import EncodeLanes, EncodesBusyError
from sam_backend.service.patience import AHEAD, Patience

LONG = Patience.of_person(3600)


class Watch:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def encoded(self, seconds: float, *, is_ahead: bool) -> None:
        assert seconds >= 0
        self.told.append("ahead" if is_ahead else "encoded")

    def refused(self, *, is_late: bool) -> None:
        self.told.append("late" if is_late else "full")


@contextmanager
def _held(lanes: EncodeLanes, key: str = "held", patience: Patience = LONG) -> Iterator[None]:
    """Something that is being encoded meanwhile."""
    began, may_end = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait(30)

    with ThreadPoolExecutor(1) as threads:
        outcome = threads.submit(lanes.encode, key, work, patience)
        assert began.wait(10)
        try:
            yield
        finally:
            may_end.set()
        outcome.result(10)


def _wait_for(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def test_people_are_served_in_the_order_in_which_they_came_one_at_once() -> None:
    lanes, done, n_now = EncodeLanes(n_waiting=9, n_seats=9), list[int](), list[int]()

    def work(number: int) -> None:
        n_now.append(number)
        assert len(n_now) == 1
        done.append(number)
        time.sleep(0.01)
        n_now.clear()

    with ThreadPoolExecutor(5) as threads:
        with _held(lanes):
            for number in range(5):
                threads.submit(lanes.encode, number, lambda number=number: work(number), LONG)
                _wait_for(lambda number=number: len(lanes) == number + 1)
        _wait_for(lambda: len(done) == 5)
    assert done == list(range(5))


def test_as_many_are_encoded_at_once_as_may_be() -> None:
    lanes = EncodeLanes(n_at_once=2)
    meeting = threading.Barrier(2, timeout=10)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda key: lanes.encode(key, meeting.wait, LONG), "ab"))


def test_two_who_ask_for_the_same_share_one_place_and_its_outcome() -> None:
    lanes, made = EncodeLanes(n_waiting=1), list[str]()

    def work() -> str:
        made.append("made")
        return "embedding"

    with ThreadPoolExecutor(3) as threads:
        with _held(lanes):
            outcomes = [threads.submit(lanes.encode, "same", work, LONG) for _ in range(3)]
            _wait_for(lambda: len(lanes) == 1)
        assert [outcome.result(10) for outcome in outcomes] == ["embedding"] * 3
    assert made == ["made"]


def test_error_reaches_all_who_wait_and_nobody_later() -> None:
    lanes = EncodeLanes()

    def fail() -> None:
        raise ImageError("no picture")

    with ThreadPoolExecutor(2) as threads:
        with _held(lanes):
            outcomes = [threads.submit(lanes.encode, "same", fail, LONG) for _ in range(2)]
            _wait_for(lambda: len(lanes) == 1)
        for outcome in outcomes:
            with pytest.raises(ImageError):
                outcome.result(10)
    assert lanes.encode("same", lambda: 1, LONG) == 1


def test_one_more_than_may_wait_is_refused_at_once_and_told_when_to_come_back() -> None:
    watch = Watch()
    lanes = EncodeLanes(n_waiting=0, watch=watch)
    with _held(lanes):
        started_s = time.monotonic()
        with pytest.raises(EncodesBusyError, match="as many people as may wait") as raised:
            lanes.encode("other", lambda: None, LONG)
        assert time.monotonic() - started_s < 5
        assert raised.value.retry_after_s >= 1
        assert watch.told == ["full"]
    assert watch.told == ["full", "encoded"]


def test_threads_are_left_for_others_however_many_ask_for_the_same() -> None:
    lanes = EncodeLanes(n_waiting=9, n_seats=2)
    with ThreadPoolExecutor(1) as threads, _held(lanes):
        second = threads.submit(lanes.encode, "held", lambda: None, LONG)
        _wait_for(lambda: lanes._n_seated == 2)
        with pytest.raises(EncodesBusyError):
            lanes.encode("held", lambda: None, LONG)
        assert not second.done()


def test_who_asks_again_later_finds_their_place_kept() -> None:
    watch = Watch()
    lanes, made = EncodeLanes(watch=watch), list[str]()
    with _held(lanes):
        with pytest.raises(EncodesBusyError, match="isn't encoded yet"):
            lanes.encode("mine", lambda: made.append("mine"), Patience.of_person(0.05))
        assert len(lanes) == 1
        assert watch.told == ["late"]
    _wait_for(lambda: made == ["mine"])


def test_own_timeout_of_the_work_is_its_error() -> None:
    def work() -> None:
        raise TimeoutError("the store took too long")

    with pytest.raises(TimeoutError, match="store"):
        EncodeLanes().encode("a", work, LONG)


def test_work_ahead_waits_while_somebody_waits_and_goes_one_by_one() -> None:
    watch, done = Watch(), list[str]()
    lanes = EncodeLanes(watch=watch)
    with ThreadPoolExecutor(2) as threads:
        with lanes.urgent():
            outcomes = [threads.submit(lanes.encode, key, lambda key=key: done.append(key), AHEAD) for key in "ab"]
            with pytest.raises(EncodesBusyError):
                lanes.encode("c", lambda: None, Patience(time.monotonic() + 0.1, is_person=False))
            assert done == []
        for outcome in outcomes:
            outcome.result(10)
    assert sorted(done) == ["a", "b"]
    assert watch.told == ["late", "ahead", "ahead"]


def test_person_isnt_kept_waiting_by_work_ahead_and_shares_it_where_it_is_the_same() -> None:
    lanes = EncodeLanes(n_waiting=0)
    with _held(lanes, "ahead", AHEAD):
        assert lanes.encode("other", lambda: 1, LONG) == 1
        with pytest.raises(EncodesBusyError):
            lanes.encode("ahead", lambda: 1, Patience.of_person(0.05))


def test_work_ahead_shares_what_a_person_asked_for() -> None:
    lanes = EncodeLanes()
    with ThreadPoolExecutor(1) as threads:
        with _held(lanes, "same"):
            ahead = threads.submit(lanes.encode, "same", lambda: pytest.fail("made twice"), AHEAD)
            assert not ahead.done()
        assert ahead.result(10) is None


def test_raster_steps_and_prewarmed_pictures_take_turns() -> None:
    lanes, began = EncodeLanes(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        with lanes.ahead():
            outcome = threads.submit(lanes.encode, "prewarmed", began.set, AHEAD)
            assert not began.wait(0.1)
        outcome.result(10)


def test_stopping_waits_for_what_goes_on_and_turns_away_who_waits() -> None:
    lanes, began, may_end = EncodeLanes(), threading.Event(), threading.Event()

    def work() -> str:
        began.set()
        may_end.wait(30)
        return "embedding"

    with ThreadPoolExecutor(2) as threads:
        going_on = threads.submit(lanes.encode, "a", work, LONG)
        assert began.wait(10)
        waiting = threads.submit(lanes.encode, "b", work, LONG)
        _wait_for(lambda: len(lanes) == 1)
        threading.Timer(0.1, may_end.set).start()
        lanes.stop()
        assert going_on.result(10) == "embedding"
        with pytest.raises(EncodesBusyError, match="being stopped"):
            waiting.result(10)
    with pytest.raises(EncodesBusyError, match="being stopped"):
        lanes.encode("c", work, LONG)


def test_patience_ends_but_that_of_work_ahead() -> None:
    assert AHEAD.left_s is None
    assert Patience.of_person(-1).left_s == 0
    assert 0 < (AHEAD.but_at_most(5).left_s or 0) <= 5
    assert 0 < (Patience.of_person(2).but_at_most(5).left_s or 0) <= 2
    assert not AHEAD.but_at_most(5).is_person


def test_seat_may_be_held_for_what_comes_before() -> None:
    lanes = EncodeLanes(n_seats=1)
    with lanes.seat(), pytest.raises(EncodesBusyError), lanes.seat():
        pytest.fail("there was one seat")
    with lanes.seat():
        pass
    assert lanes.encode("a", lambda: 1, LONG) == 1
