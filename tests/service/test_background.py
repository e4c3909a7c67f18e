import threading

from sam_backend.service.background import Background


def test_work_is_done_in_order_and_an_error_stops_nothing() -> None:
    errors: list[Exception] = []
    done: list[int] = []
    background = Background("test", 10, errors.append)
    for number in range(3):
        assert background.add(lambda number=number: done.append(1 // (1 - number)))
    assert background.wait_until_empty(10)
    assert done == [1, -1]
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_what_is_too_much_is_refused_and_what_waits_at_the_end_is_done() -> None:
    go, done = threading.Event(), []
    background = Background("test", 2, lambda _: None)
    busy = threading.Event()
    background.add(lambda: (busy.set(), go.wait(10)))
    assert busy.wait(10)
    assert [background.add(lambda number=number: done.append(number)) for number in range(3)] == [True, True, False]
    assert not background.wait_until_empty(0.01)
    threading.Timer(0.05, go.set).start()
    background.stop()
    assert done == [0, 1]
    assert not background.add(lambda: None)
