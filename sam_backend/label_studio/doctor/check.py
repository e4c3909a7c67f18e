"""One check: what was looked at, how it stands, how long it took, and what to change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from sam_backend.errors import SamBackendError


class Verdict(Enum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """It may work, or work badly."""
    FAIL = "fail"
    """It can't work like this."""
    SKIP = "skip"
    """It couldn't be looked at, because something before it is missing."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found."""

    name: str
    verdict: Verdict
    found: str
    """In one sentence or less."""

    cure: str | None = None
    """What to change; None where all is well."""

    ms: float | None = None
    """How long it took; None where nothing was waited for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's outcome before its name and time are put to it."""

    verdict: Verdict
    found: str
    cure: str | None = None


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, found)


def warn(found: str, cure: str) -> Finding:
    """It may not work."""
    return Finding(Verdict.WARN, found, cure)


def fail(found: str, cure: str) -> Finding:
    """It can't work."""
    return Finding(Verdict.FAIL, found, cure)


def skip(found: str, cure: str | None = None) -> Finding:
    """It couldn't be looked at."""
    return Finding(Verdict.SKIP, found, cure)


def of_error(error: SamBackendError) -> Finding:
    """Errors here end with what to do, after a colon."""
    found, _, cure = str(error).rpartition(": ")
    return fail(found or cure, cure)


def timed(name: str, look: Callable[[], Finding]) -> Check:
    """Run one check. An error on the way is its finding: the sentence before the colon, and the cure after it."""
    started_s = time.perf_counter()
    try:
        finding = look()
    except SamBackendError as error:
        finding = of_error(error)
    ms = 1000 * (time.perf_counter() - started_s) if finding.verdict is not Verdict.SKIP else None
    return Check(name, finding.verdict, finding.found, finding.cure, ms)


def worst(checks: Iterator[Check] | list[Check]) -> Verdict:
    """FAIL if any failed, else WARN if any warned, else OK."""
    verdicts = {check.verdict for check in checks}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.WARN) if verdict in verdicts), Verdict.OK)
