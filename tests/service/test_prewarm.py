import threading
import time

import pytest

from sam_backend.service import prewarm
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.prewarm import PrewarmQueue


def _queue(lanes: EncodeLanes) -> PrewarmQueue:
    return PrewarmQueue(lanes, on_error=lambda error: pytest.fail(str(error)))


def test_work_waits_while_somebody_waits_and_opened_tasks_go_first_the_last_one_before_all() -> None:
    lanes, done = EncodeLanes(), list[str]()
    queue = _queue(lanes)
    with lanes.urgent():
        for name, is_opened in (("new 1", False), ("opened 1", True), ("new 2", False), ("opened 2", True)):
            assert queue.add(name, lambda name=name: done.append(name), is_opened=is_opened)
        assert not queue.wait_until_empty(0.1)
        assert done == []
    assert queue.wait_until_empty(5)
    assert done == ["opened 2", "opened 1", "new 1", "new 2"]


def test_work_queued_twice_is_done_once_and_keeps_the_better_place() -> None:
    lanes, done = EncodeLanes(), list[str]()
    queue = _queue(lanes)
    with lanes.urgent():
        for name, is_opened in (("a", False), ("b", False), ("b", True), ("b", False)):
            queue.add(name, lambda name=name: done.append(name), is_opened=is_opened)
    assert queue.wait_until_empty(5)
    assert done == ["b", "a"]


def test_full_queue_refuses_new_tasks_but_not_opened_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prewarm, "_CAPACITY", 2)
    lanes, done = EncodeLanes(), list[str]()
    queue = _queue(lanes)
    with lanes.urgent():
        added = [
            queue.add(name, lambda name=name: done.append(name), is_opened=is_opened)
            for name, is_opened in (("a", False), ("b", False), ("c", False), ("d", True))
        ]
    assert queue.wait_until_empty(5)
    assert added == [True, True, False, True]
    assert done[0] == "d"
    assert len(done) == 2


def test_an_import_of_many_tasks_is_taken_or_refused_within_the_second_that_label_studio_waits() -> None:
    lanes, n_done = EncodeLanes(), list[int]()
    queue = _queue(lanes)
    with lanes.urgent():
        started_s = time.perf_counter()
        added = [queue.add(key, lambda key=key: n_done.append(key), is_opened=False) for key in range(50_000)]
        assert time.perf_counter() - started_s < 1
        assert (sum(added), len(queue)) == (2000, 2000)
    queue.stop()


def test_error_is_told_and_the_next_work_is_done() -> None:
    errors, done = list[Exception](), threading.Event()
    queue = PrewarmQueue(EncodeLanes(), errors.append)
    queue.add("a", lambda: 1 / 0, is_opened=False)  # type: ignore[arg-type, return-value]
    queue.add("b", done.set, is_opened=False)
    assert done.wait(5)
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_stopping_waits_for_what_is_being_done_and_forgets_the_rest() -> None:
    started, may_end, done = threading.Event(), threading.Event(), list[str]()
    queue = _queue(EncodeLanes())

    def slow() -> None:
        started.set()
        may_end.wait()
        done.append("slow")

    queue.add("slow", slow, is_opened=True)
    assert started.wait(5)
    queue.add("later", lambda: done.append("later"), is_opened=True)
    threading.Timer(0.2, may_end.set).start()
    queue.stop()
    assert done == ["slow"]
    assert len(queue) == 0
    assert not queue.add("after the end", lambda: done.append("after"), is_opened=True)
