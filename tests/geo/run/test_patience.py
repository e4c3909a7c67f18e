"""Waiting for work that can't be interrupted."""

import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError

import pytest

from sam_backend.errors import CancelledError
from sam_backend.geo.run.patience import wait_for


def test_work_gives_what_it_gives_and_raises_what_it_raises() -> None:
    assert wait_for(lambda: 7, lambda: False) == 7
    assert wait_for(lambda: time.sleep(0.25) or 8, lambda: False) == 8  # type: ignore[func-returns-value]

    def fails(error: Exception) -> None:
        raise error

    for error in (ValueError("x"), FutureTimeoutError("its own")):
        with pytest.raises(type(error), match=str(error)):
            wait_for(lambda error=error: fails(error), lambda: False)  # type: ignore[misc]


def test_nobody_waits_for_what_isnt_wanted() -> None:
    stuck, began_s = threading.Event(), time.monotonic()
    with pytest.raises(CancelledError, match="ask for it again"):
        wait_for(stuck.wait, lambda: time.monotonic() > began_s + 0.2)
    assert time.monotonic() - began_s < 5
    stuck.set()
