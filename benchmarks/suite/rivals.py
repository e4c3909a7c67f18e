"""The others' calls in a process of their own, as whoever uses them runs them.

What one process does with freed memory (`sam_backend.predict.heap`) reaches all that runs in it: the official code's
automatic masks took 98 s in ours and 190 s without. So each side has the memory that it would have alone.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.suite.measurement import OURS
from benchmarks.suite.sdk import SdkBrush
from benchmarks.suite.turns import Timed, seconds_and_peak_mb

if TYPE_CHECKING:
    from benchmarks.suite.stage import Stage

BuildCalls = Callable[..., "dict[str, Timed]"]
"""From a stage, and whatever tells the case, to the calls of all contenders."""


@dataclass(eq=False)
class Rivals:
    """A second process with a stage of its own: the same picture, the same weights, the same embedding."""

    _connection: Connection
    _process: BaseProcess

    @classmethod
    def beside(cls, stage: Stage) -> Rivals:
        """Start it."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "shared.pth")
            torch.save((stage.networks.official.state_dict(), stage.prompted.features), path)
            known = (stage.is_quick, stage.n_threads, stage.sdk.python, path)
            process = context.Process(target=_serve, args=(there, *known), daemon=True)
            process.start()
            rivals = cls(here, process)
            rivals.call(_set_threads, stage.n_threads)  # by then it has read the file
        return rivals

    def call(self, function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401
        """``function(stage, *args)`` over there; the function is one that can be imported."""
        self._connection.send((function, args))
        is_error, answer = self._connection.recv()
        if is_error:
            raise RuntimeError(f"the rivals' process failed: {answer}")
        return answer

    def close(self) -> None:
        """End it."""
        self._connection.close()
        self._process.join()


@dataclass(frozen=True, slots=True)
class RivalCall:
    """One contender's call of a case, over there."""

    rivals: Rivals
    build: BuildCalls
    args: tuple[object, ...]
    name: str

    def __call__(self) -> float:
        """Seconds that it took."""
        seconds: float = self.rivals.call(_seconds_of, self.build, self.args, self.name)
        return seconds

    def seconds_and_peak_mb(self) -> tuple[float, float]:
        """What it takes."""
        taken: tuple[float, float] = self.rivals.call(_seconds_and_peak_mb_of, self.build, self.args, self.name)
        return taken


def each_at_home(stage: Stage, build: BuildCalls, *args: object) -> dict[str, Timed]:
    """The calls of ``build(stage, *args)``: ours in this process, the others' in theirs."""
    calls = build(stage, *args)
    return {name: call if name == OURS else RivalCall(stage.rivals, build, args, name) for name, call in calls.items()}


def set_threads(stage: Stage, n: int) -> None:
    """In both processes."""
    torch.set_num_threads(n)
    stage.rivals.call(_set_threads, n)


def _set_threads(_: Stage, n: int) -> None:
    torch.set_num_threads(n)


_BUILT: dict[tuple[object, ...], dict[str, Timed]] = {}


def _seconds_of(stage: Stage, build: BuildCalls, args: tuple[object, ...], name: str) -> float:
    return _call(stage, build, args, name)()


def _seconds_and_peak_mb_of(
    stage: Stage, build: BuildCalls, args: tuple[object, ...], name: str
) -> tuple[float, float]:
    return seconds_and_peak_mb(_call(stage, build, args, name))


def _call(stage: Stage, build: BuildCalls, args: tuple[object, ...], name: str) -> Timed:
    if (build, args) not in _BUILT:
        _BUILT.clear()  # a case is measured to its end before the next one begins
        _BUILT[build, args] = build(stage, *args)
    return _BUILT[build, args][name]


def _serve(connection: Connection, is_quick: bool, n_threads: int, sdk_python: Path, path: Path) -> None:
    from benchmarks.suite.stage import Stage  # it knows this module

    with SdkBrush(sdk_python) as sdk, torch.inference_mode():
        stage = Stage(is_quick, n_threads, sdk)
        stage.take_over(*torch.load(path, weights_only=False))
        while True:
            try:
                function, args = connection.recv()
            except EOFError:
                return
            try:
                answer = (False, function(stage, *args))
            except Exception as error:  # noqa: BLE001 - told over there
                answer = (True, repr(error))
            connection.send(answer)
