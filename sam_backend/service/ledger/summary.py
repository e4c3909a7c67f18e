"""The ledger in numbers: per label, and in total."""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_COUNTS = """
SELECT label, outcome, count(*), total(origin = 'click'), total(CASE WHEN origin = 'click' THEN n_prompts END),
    total(CASE WHEN origin = 'click' THEN seconds END), count(lead_time_s)
FROM object WHERE :project IS NULL OR project = :project GROUP BY label, outcome
"""
_IOUS = """
SELECT label, iou FROM object WHERE outcome = 'edited' AND iou IS NOT NULL AND (:project IS NULL OR project = :project)
"""
_ANNOTATIONS = """
SELECT count(*), total(lead_time_s) FROM annotation WHERE :project IS NULL OR project = :project
"""

_SUBMITTED = ("kept", "edited", "by hand")


class _Count(NamedTuple):
    """Objects of one label with one outcome."""

    n: int = 0
    n_clicked: float = 0
    clicks: float = 0
    seconds: float = 0
    n_timed: int = 0
    """In annotations whose time is known."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Objects of one label, or of all. See docs/ledger.md for what each number means."""

    label: str | None
    """None for all labels together; empty for objects without one."""

    kept: int = 0
    edited: int = 0
    discarded: int = 0
    open: int = 0
    """Answered, and not decided on yet."""

    by_hand: int = 0
    ious: tuple[float, ...] = ()
    """Of those that were edited, where both shapes can be compared."""

    n_clicked: int = 0
    """Submitted ones that somebody clicked for: what the next two are of."""

    clicks: int = 0
    seconds: float = 0.0
    """From the first click to the last."""

    @property
    def answered(self) -> int:
        """What the model drew."""
        return self.kept + self.edited + self.discarded + self.open

    @property
    def submitted(self) -> int:
        """All objects in annotations."""
        return self.kept + self.edited + self.by_hand

    @property
    def mean_iou(self) -> float | None:
        """None where nothing was edited."""
        return statistics.fmean(self.ious) if self.ious else None

    @property
    def median_iou(self) -> float | None:
        """None where nothing was edited."""
        return statistics.median(self.ious) if self.ious else None

    @property
    def clicks_per_object(self) -> float | None:
        """None where nobody clicked."""
        return self.clicks / self.n_clicked if self.n_clicked else None

    @property
    def seconds_per_object(self) -> float | None:
        """None where nobody clicked."""
        return self.seconds / self.n_clicked if self.n_clicked else None


@dataclass(frozen=True, slots=True)
class Summary:
    """All that the ledger says of a project, or of all projects."""

    total: Tally
    by_label: tuple[Tally, ...]
    """The one with the most objects first."""

    n_annotations: int
    lead_time_s: float | None
    """Of one object: the time that annotators had tasks open, divided by what they submitted in that time; None where
    the editor told no time."""


NOTHING = Summary(total=Tally(None), by_label=(), n_annotations=0, lead_time_s=None)


def read_summary(connection: sqlite3.Connection | None, project: int | None = None) -> Summary:
    """Sum up a project, or all of them; nothing where nothing was written yet."""
    if connection is None:
        return NOTHING
    wanted = {"project": project}
    counts: dict[str, dict[str, _Count]] = {}
    for label, outcome, *numbers in connection.execute(_COUNTS, wanted):
        counts.setdefault(label, {})[outcome] = _Count(*numbers)
    ious: dict[str, list[float]] = {}
    for label, iou in connection.execute(_IOUS, wanted):
        ious.setdefault(label, []).append(iou)
    tallies = [_tally(label, outcomes, ious.get(label, ())) for label, outcomes in counts.items()]
    n_annotations, lead_time_s = connection.execute(_ANNOTATIONS, wanted).fetchone()
    n_timed = sum(outcomes[name].n_timed for outcomes in counts.values() for name in _SUBMITTED if name in outcomes)
    return Summary(
        total=_together(tallies),
        by_label=tuple(sorted(tallies, key=lambda one: (-one.answered - one.by_hand, one.label or ""))),
        n_annotations=n_annotations,
        lead_time_s=lead_time_s / n_timed if n_timed else None,
    )


def _tally(label: str, outcomes: dict[str, _Count], ious: Sequence[float]) -> Tally:
    kept, edited, discarded, still_open, by_hand = (
        outcomes.get(name, _Count()) for name in ("kept", "edited", "discarded", "open", "by hand")
    )
    return Tally(
        label=label,
        kept=kept.n,
        edited=edited.n,
        discarded=discarded.n,
        open=still_open.n,
        by_hand=by_hand.n,
        ious=tuple(ious),
        n_clicked=int(kept.n_clicked + edited.n_clicked),
        clicks=int(kept.clicks + edited.clicks),
        seconds=kept.seconds + edited.seconds,
    )


def _together(tallies: Iterable[Tally]) -> Tally:
    all_of_them = list(tallies)

    def total(name: str) -> int:
        return sum(getattr(tally, name) for tally in all_of_them)

    return Tally(
        label=None,
        kept=total("kept"),
        edited=total("edited"),
        discarded=total("discarded"),
        open=total("open"),
        by_hand=total("by_hand"),
        ious=tuple(iou for tally in all_of_them for iou in tally.ious),
        n_clicked=total("n_clicked"),
        clicks=total("clicks"),
        seconds=sum(tally.seconds for tally in all_of_them),
    )
