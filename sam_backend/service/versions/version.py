"""What is known of one trained version, as a value and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sam_backend.errors import StorageError
from sam_backend.training.project.judging import Figures

State = Literal["training", "ready", "refused", "failed", "stopped"]
"""``ready``: no worse than its parent on what was held out. ``refused``: worse. The last two have no weights."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is."""

    doing: str
    """In a word or two."""

    n_done: int = 0
    n_all: int = 0
    seconds_left: float | None = None
    """Of this stage; None if nobody knows."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was learnt from and judged by."""

    tasks: int = 0
    objects: int = 0
    held_out_tasks: int = 0
    held_out_objects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One training and what came of it."""

    name: str
    """Of its folder and weights file, such as ``project-5-v3``."""

    project: int
    """The id of the project in Label Studio."""

    state: State
    begun_at: str
    """ISO 8601, UTC."""

    ended_at: str | None = None
    base: str | None = None
    """The ``model_version`` of the settings' model, whose image encoder it has."""

    parent: str | None = None
    """The ``model_version`` that it goes on from and was judged against."""

    model_version: str | None = None
    """Name and hash of its weights; None as long as there are none."""

    reason: str | None = None
    """Why it was refused, failed or stopped; or why it isn't in force although it is ready."""

    counts: Counts = Counts()
    old: Figures | None = None
    """Of the parent on the held-out objects."""

    new: Figures | None = None
    progress: Progress | None = None

    @property
    def has_weights(self) -> bool:
        """Whether it can answer."""
        return self.model_version is not None

    def to_json(self) -> str:
        """As text that people can read, and `from_json` too."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Version:
        """Read what `to_json` wrote.

        Raises:
            StorageError: it is damaged, or of another release.
        """
        try:
            return cls(**_fields(json.loads(text)))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise StorageError(f"the record of a version is damaged ({error}): drop that version") from None


def _fields(table: dict[str, Any]) -> dict[str, Any]:
    if table["state"] not in get_args(State) or not isinstance(table["name"], str):
        raise ValueError(f"no such state: {table['state']!r}")
    parts = {"counts": Counts, "old": Figures, "new": Figures, "progress": Progress}
    read = {name: part(**table[name]) for name, part in parts.items() if table.get(name) is not None}
    return {**table, **read}
