"""A Python environment of the backend's own: found, made, checked. Never with QGIS's own Python."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess  # nosec B404 - see worker_process
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .engine import EngineError, ErrorKind, IsCancelled
from .wording import tr
from .worker_process import clean_environment, end, start

OLDEST = (3, 10)
"""What the backend needs."""

_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.10", "python3", "python", "python3.14")
_ASK = (
    "import json, sys, importlib.util as u; print(json.dumps({'version': sys.version_info[:3], "
    "'can_make_venv': all(u.find_spec(n) for n in ('venv', 'ensurepip')), "
    "'has_backend': u.find_spec('sam_backend') is not None}))"
)
_ASK_SECONDS = 20.0
_POLL_S = 0.1

_TIED_TO_US = """
import os, subprocess, sys, threading
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    while sys.stdin.buffer.read(4096):
        pass
    child.kill()
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
os._exit(child.wait())
"""
"""Runs a program that ends when our end of its input is closed, so also when QGIS is killed."""

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class FoundPython:
    """A Python that can be started."""

    path: str
    version: tuple[int, ...]
    can_make_venv: bool
    has_backend: bool

    @property
    def is_recent_enough(self) -> bool:
        """For the backend."""
        return self.version >= OLDEST


def look_at(python: str) -> FoundPython | None:
    """What a Python says of itself; None where there is none.

    Args:
        python: path of it.
    """
    try:
        said = subprocess.run(  # noqa: S603  # nosec B603 - a list of arguments, no shell
            [python, "-I", "-c", _ASK],
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
            env=clean_environment(os.environ),
        ).stdout
        answer = json.loads(said)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return FoundPython(python, tuple(answer["version"]), answer["can_make_venv"], answer["has_backend"])


def find_python() -> FoundPython:
    """The first Python on PATH that can make an environment for the backend.

    Raises:
        EngineError: there is none.
    """
    for name in _CANDIDATES:
        path = shutil.which(name)
        found = look_at(path) if path else None
        if found is not None and found.is_recent_enough and found.can_make_venv:
            return found
    raise EngineError(
        ErrorKind.NOT_SET_UP,
        tr(
            "no Python from 3.10 on that can make environments is on PATH: install one (on Debian: apt install "
            "python3-venv; on Windows: python.org) and name it"
        ),
    )


def python_of(folder: str) -> str:
    """The Python of an environment.

    Args:
        folder: of the environment.
    """
    parts = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return os.path.join(folder, *parts)


def make_environment(
    python: str,
    folder: str,
    requirement: str,
    pip_options: Sequence[str] = (),
    on_line: OnLine | None = None,
    is_cancelled: IsCancelled | None = None,
) -> str:
    """Make a virtual environment and install the backend into it; what is installed already stays.

    Args:
        python: that makes it; empty: the best on PATH.
        folder: where it goes.
        requirement: a wheel, a folder with the project's source, or a requirement as pip understands it.
        pip_options: further options of ``pip install``, such as ``--no-index --find-links FOLDER``.
        on_line: told of each line that pip prints.
        is_cancelled: asked whether to stop.

    Returns:
        The path of its Python.

    Raises:
        EngineError: it can't be made; the message says what to do.
    """
    if not requirement:
        raise EngineError(
            ErrorKind.NOT_SET_UP,
            tr("it isn't said what to install: give the project's wheel, the folder of its source, or a requirement"),
        )
    maker = _maker(python)
    made = python_of(folder)
    said = on_line or _ignore
    if not os.path.exists(made):
        said(tr("{0} makes an environment in {1}").format(maker, folder))
        _run([maker, "-I", "-m", "venv", folder], said, is_cancelled, tr("the environment can't be made"))
    command = [made, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    _run([*command, *pip_options, requirement], said, is_cancelled, tr("the backend can't be installed"))
    return made


def _maker(python: str) -> str:
    if not python:
        return find_python().path
    found = look_at(python)
    if found is None:
        raise EngineError(ErrorKind.NOT_SET_UP, tr("{0} is no Python that starts: name another one").format(python))
    if not found.is_recent_enough:
        version = ".".join(map(str, found.version))
        message = tr("{0} is Python {1}: name one from 3.10 on").format(python, version)
        raise EngineError(ErrorKind.NOT_SET_UP, message)
    if not found.can_make_venv:
        raise EngineError(
            ErrorKind.NOT_SET_UP,
            tr("{0} can't make environments: install its module venv (on Debian: apt install python3-venv)").format(
                python
            ),
        )
    return python


def _run(command: Sequence[str], on_line: OnLine, is_cancelled: IsCancelled | None, failure: str) -> None:
    process = start([command[0], "-I", "-c", _TIED_TO_US, *command], stderr=subprocess.STDOUT)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read_lines, args=(process, lines), daemon=True)
    reader.start()
    said: list[str] = []
    try:
        for line in _polled(lines, is_cancelled):
            said.append(line)
            on_line(line)
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        exit_code = process.wait() if process.poll() is not None else end(process)
        reader.join()
        process.stdout.close()  # type: ignore[union-attr]
    if exit_code != 0:
        raise EngineError(ErrorKind.NOT_SET_UP, f"{failure} ({_last_words(said)}): {_advice(said)}")


def _read_lines(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[str | None]) -> None:
    for line in process.stdout:  # type: ignore[union-attr]
        lines.put(line.decode(errors="replace").rstrip())
    process.wait()
    lines.put(None)


def _polled(lines: queue.SimpleQueue[str | None], is_cancelled: IsCancelled | None) -> Iterator[str]:
    while True:
        if is_cancelled is not None and is_cancelled():
            message = tr("stopped before the environment was whole: the same again goes on")
            raise EngineError(ErrorKind.CANCELLED, message)
        try:
            line = lines.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line


def _last_words(said: Sequence[str]) -> str:
    errors = [line for line in said if line.lower().startswith("error")] or [line for line in said if line]
    return errors[-1][:300] if errors else tr("it said nothing")


def _advice(said: Sequence[str]) -> str:
    text = "\n".join(said)
    if "No space left" in text:
        return tr("make room, or choose a folder on another disk")
    if any(word in text for word in ("Temporary failure in name resolution", "NewConnectionError", "ConnectTimeout")):
        return tr(
            "without the internet, download on another machine of the same kind with 'pip download -d wheels ...', "
            "bring the folder here and give pip the options --no-index --find-links FOLDER"
        )
    if "No matching distribution" in text or "--no-index" in text:
        return tr(
            "the folder of wheels lacks one, or it is for another Python or system: download it again for this one"
        )
    return tr("the log above says more")


def _ignore(line: str) -> None:
    """For callers who don't want to know."""
