"""The model, loaded in the background, so that the service answers from its first millisecond and while it changes."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Literal, TypeVar

from sam_backend.errors import SamBackendError, UnavailableError
from sam_backend.predict.predictor import Predictor

T = TypeVar("T")

_STOP_S = 20.0
"""Longer than a large network takes to be loaded from a disk."""


class ModelUnavailableError(UnavailableError):
    """The model is still loading, or its loading failed."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What can be said of the model right now, without waiting."""

    state: Literal["loading", "ready", "failed"]
    name: str
    version: str | None
    """None until the weights have been read once."""

    device: str | None
    """None until loaded."""

    error: str | None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from."""

    name: str
    """What to call it until it is loaded."""

    read_version: Callable[[], str]
    """Reads the version off the weights; far cheaper than loading them."""

    load: Callable[[], Predictor]


class ModelLoader:
    """Loads a model in a thread of its own; everyone else asks, or waits.

    Args:
        name: what to call the model until it is loaded.
        read_version: reads the version off the weights; far cheaper than loading them.
        load: loads the model.
        on_end: called in the loading thread when a model is ready or has failed.
    """

    def __init__(
        self,
        name: str,
        read_version: Callable[[], str],
        load: Callable[[], Predictor],
        on_end: Callable[[ModelStatus], None],
    ) -> None:
        self._on_end = on_end
        self._current = _Loading(ModelSource(name, read_version, load))
        self._next = self._current
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start loading; returns at once."""
        self._run_in_thread(self._current)

    def replace(self, source: ModelSource) -> None:
        """Load another model while the present one goes on answering, then let that one answer; returns at once.

        One that can't be loaded replaces nothing; of several the last counts.
        """
        following = _Loading(source)
        with self._lock:
            self._next = following
        self._run_in_thread(following)

    def _run_in_thread(self, loading: _Loading) -> None:
        thread = threading.Thread(target=self._run, args=(loading,), name="model-loader", daemon=True)
        thread.start()
        atexit.register(thread.join, _STOP_S)  # PyTorch aborts a program that ends in the midst of it

    def _run(self, loading: _Loading) -> None:
        loading.run()
        status = loading.status()
        with self._lock:
            if loading is self._next and (status.state == "ready" or self._current.status().state == "failed"):
                self._current = loading
        self._on_end(status)

    def wait(self, timeout_s: float) -> Predictor:
        """Return the model, waiting for it if need be.

        Raises:
            ModelUnavailableError: it couldn't be loaded, or isn't by then.
        """
        return self._current.wait(timeout_s)

    def wait_for_version(self, timeout_s: float) -> str:
        """Return the version, which is known well before the model is loaded.

        Raises:
            ModelUnavailableError: the weights couldn't be read or loaded, or haven't been read by then.
        """
        return self._current.wait_for_version(timeout_s)

    def status(self) -> ModelStatus:
        """Say how things stand, at once."""
        return self._current.status()


class _Loading:
    """One model on its way."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._version: Future[str] = Future()
        self._predictor: Future[Predictor] = Future()

    def run(self) -> None:
        try:
            self._version.set_result(self._source.read_version())
            self._predictor.set_result(self._source.load())
        except Exception as error:  # noqa: BLE001 - the outermost edge of this thread; told to all who ask
            failure = ModelUnavailableError(f"the model {self._source.name!r} couldn't be loaded: {_reason(error)}")
            if not self._version.done():
                self._version.set_exception(failure)
            self._predictor.set_exception(failure)

    def wait(self, timeout_s: float) -> Predictor:
        return self._result(self._predictor, timeout_s)

    def wait_for_version(self, timeout_s: float) -> str:
        if self._predictor.done():
            return self.wait(timeout_s).version
        return self._result(self._version, timeout_s)

    def status(self) -> ModelStatus:
        name, version = self._source.name, _now(self._version)
        if not self._predictor.done():
            return ModelStatus("loading", name, version, device=None, error=None)
        predictor = _now(self._predictor)
        if predictor is None:
            return ModelStatus("failed", name, version, device=None, error=str(self._predictor.exception()))
        return ModelStatus("ready", predictor.name, predictor.version, device=str(predictor.device), error=None)

    def _result(self, future: Future[T], timeout_s: float) -> T:
        try:
            return future.result(timeout_s)
        except FutureTimeoutError:
            raise ModelUnavailableError(
                f"the model {self._source.name!r} is still loading: try again in a moment"
            ) from None


def _now(future: Future[T]) -> T | None:
    return future.result() if future.done() and future.exception() is None else None


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SamBackendError) else f"{type(error).__name__}: {error}"
