"""Who encodes when: people who wait go first, in the order in which they came, a bounded number of them.

Encoding takes seconds on a CPU, decoding milliseconds. So pictures that somebody waits for are encoded by threads of
their own, ``n_at_once`` of them, and whoever asked waits no longer than they said. Work ahead of time (opened tasks,
runs over rasters) goes on in the threads that have it, one piece at once, and begins only while nobody waits. It takes
no person's place: a person mustn't wait for a thread that lets everybody go first.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from sam_backend.service.busy import BusyError
from sam_backend.service.patience import Patience

T = TypeVar("T")

_FIRST_GUESS_S = 3.0
"""What encoding takes, before one was timed."""

_NEWEST_COUNTS = 0.3
_LONGEST_RETRY_S = 120
_STOP_S = 20.0
"""Longer than a large network takes for a picture on a slow CPU."""


class EncodesBusyError(BusyError):
    """Too many pictures wait to be encoded, or this one waited too long."""


class EncodeWatch(Protocol):
    """Who wants to know what goes on."""

    def encoded(self, seconds: float, *, is_ahead: bool) -> None:
        """A picture was encoded, or found to be no picture."""

    def refused(self, *, is_late: bool) -> None:
        """Somebody was turned away: after all their patience, or at once."""


class NobodyWatches:
    """The usual `EncodeWatch`."""

    def encoded(self, seconds: float, *, is_ahead: bool) -> None:
        """See `EncodeWatch`."""

    def refused(self, *, is_late: bool) -> None:
        """See `EncodeWatch`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    key: Hashable
    work: Callable[[], Any]
    promise: Future[Any] = field(default_factory=Future)


class EncodeLanes:
    """The one place in a process where it is decided which picture is encoded next.

    Args:
        n_at_once: pictures that people wait for, encoded at the same time.
        n_waiting: further ones that may wait.
        n_seats: requests that may wait, several of them perhaps for the same picture; each holds a thread of the
            server, and some have to be left for those that need no encoding.
        watch: told what goes on.
    """

    def __init__(
        self, n_at_once: int = 1, n_waiting: int = 7, n_seats: int = 8, watch: EncodeWatch | None = None
    ) -> None:
        self._n_at_once = n_at_once
        self._n_waiting = n_waiting
        self._n_seats = n_seats
        self._watch = watch or NobodyWatches()
        self._changed = threading.Condition()
        self._jobs: dict[Hashable, _Job] = {}
        self._queued: deque[_Job] = deque()
        self._n_encoding = self._n_seated = self._n_people = 0
        self._is_ahead_busy = self._is_stopped = self._has_threads = False
        self._usual_s = _FIRST_GUESS_S

    def __len__(self) -> int:
        """Pictures that wait, but for those that are being encoded."""
        with self._changed:
            return len(self._queued)

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """While somebody waits for an answer, of whatever kind."""
        with self._changed:
            self._n_people += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_people -= 1
                self._changed.notify_all()

    def wait_until_calm(self, timeout_s: float | None = None) -> bool:
        """Wait until nobody waits; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._n_people == 0, timeout_s)

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """While something is encoded that nobody waits for: waits until it may begin."""
        with self._changed:
            self._changed.wait_for(self._may_work_ahead)
            self._is_ahead_busy = True
        try:
            yield
        finally:
            self._end_ahead()

    def encode(self, key: Hashable, work: Callable[[], T], patience: Patience) -> T:
        """Do some work when its turn comes; who asks for a key that is under way shares it, and its place.

        It goes on when patience ends, and whoever asks again finds it further on.

        Raises:
            EncodesBusyError: no place was left, or patience ended.
            Exception: what the work ended with.
        """
        if not patience.is_person:
            return self._encode_ahead(key, work, patience)
        with self.urgent():
            job = self._take_seat(key, work)
            try:
                return cast(T, self._outcome(job, patience))
            finally:
                with self._changed:
                    self._n_seated -= 1

    @contextmanager
    def seat(self) -> Iterator[None]:
        """While somebody waits for what comes before encoding.

        Raises:
            EncodesBusyError: all seats are taken.
        """
        with self._changed:
            if self._n_seated >= self._n_seats:
                raise self._refusal()
            self._n_seated += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_seated -= 1

    def stop(self) -> None:
        """Turn away who waits, and wait for what goes on: PyTorch aborts a program that ends in the midst of it."""
        with self._changed:
            self._is_stopped = True
            for job in self._queued:
                self._jobs.pop(job.key, None)
                job.promise.set_exception(_ending())
            self._queued.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._n_encoding == 0, _STOP_S)

    def _take_seat(self, key: Hashable, work: Callable[[], Any]) -> _Job:
        with self._changed:
            if self._is_stopped:
                raise _ending()
            job = self._jobs.get(key)
            n_places = self._n_waiting + self._n_at_once - self._n_encoding
            if self._n_seated >= self._n_seats or (job is None and len(self._queued) >= n_places):
                raise self._refusal()
            if job is None:
                job = self._jobs[key] = _Job(key, work)
                self._queued.append(job)
                self._start_threads()
                self._changed.notify_all()
            self._n_seated += 1
            return job

    def _start_threads(self) -> None:
        if self._has_threads:  # not at birth: threads don't survive the fork of a server
            return
        self._has_threads = True
        for number in range(self._n_at_once):
            threading.Thread(target=self._encode_for_people, name=f"encode-{number}", daemon=True).start()
        atexit.register(self.stop)

    def _encode_for_people(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queued) or self._is_stopped)
                if self._is_stopped:
                    return
                job = self._queued.popleft()
                self._n_encoding += 1
            self._do(job, is_ahead=False)
            with self._changed:
                self._n_encoding -= 1
                self._changed.notify_all()

    def _encode_ahead(self, key: Hashable, work: Callable[[], T], patience: Patience) -> T:
        with self._changed:
            if not self._changed.wait_for(lambda: key in self._jobs or self._may_work_ahead(), patience.left_s):
                raise self._lateness()
            job = self._jobs.get(key)
            mine = None if job is not None else _Job(key, work)
            if mine is not None:
                self._jobs[key] = mine
                self._is_ahead_busy = True
        if mine is None:
            return cast(T, self._outcome(cast(_Job, job), patience))
        try:
            self._do(mine, is_ahead=True)
        finally:
            self._end_ahead()
        return cast(T, mine.promise.result())

    def _do(self, job: _Job, *, is_ahead: bool) -> None:
        started_s = time.perf_counter()
        try:
            value = job.work()
        except BaseException as error:  # noqa: BLE001 - handed to everyone who waits, raised again by result()
            self._note(job, time.perf_counter() - started_s, is_ahead=is_ahead)
            job.promise.set_exception(error)
            return
        self._note(job, time.perf_counter() - started_s, is_ahead=is_ahead)
        job.promise.set_result(value)

    def _note(self, job: _Job, took_s: float, *, is_ahead: bool) -> None:
        self._watch.encoded(took_s, is_ahead=is_ahead)
        with self._changed:
            self._jobs.pop(job.key, None)
            if not is_ahead:  # that is slower: it gives way
                self._usual_s += _NEWEST_COUNTS * (took_s - self._usual_s)

    def _outcome(self, job: _Job, patience: Patience) -> Any:  # noqa: ANN401 - whatever the work gives
        try:
            return job.promise.result(patience.left_s)
        except FutureTimeoutError:
            if job.promise.done():  # just now, or with a timeout of its own
                return job.promise.result()
            with self._changed:
                raise self._lateness() from None

    def _may_work_ahead(self) -> bool:
        return self._n_people == 0 and not self._is_ahead_busy

    def _end_ahead(self) -> None:
        with self._changed:
            self._is_ahead_busy = False
            self._changed.notify_all()

    def _refusal(self) -> EncodesBusyError:
        self._watch.refused(is_late=False)
        retry_s = self._retry_after_s()
        return EncodesBusyError(
            f"as many people as may wait for pictures to be encoded do already: try again in about {retry_s} s",
            retry_s,
        )

    def _lateness(self) -> EncodesBusyError:
        self._watch.refused(is_late=True)
        retry_s = self._retry_after_s()
        return EncodesBusyError(
            f"this picture isn't encoded yet, and its turn comes: try again in about {retry_s} s", retry_s
        )

    def _retry_after_s(self) -> int:
        """Until a place is free, from what encoding took lately."""
        n_before = len(self._queued) + self._n_encoding
        seconds = self._usual_s * max(1, n_before) / self._n_at_once
        return max(1, min(_LONGEST_RETRY_S, round(seconds)))


def _ending() -> EncodesBusyError:
    return EncodesBusyError("this service is being stopped: try again when it is back", retry_after_s=5)
