"""All that decides what a run finds in its tiles, as a value that can be kept and compared."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_backend.errors import RasterError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a run was asked for. Going on with a run needs the same; merging and filtering anew needs none of it."""

    raster: str
    """Absolute path of the file."""

    raster_state: str
    """See `file_state`."""

    model_version: str
    """Name and digest of the weights."""

    read_plan: dict[str, Any]
    """Bands, stretch and ground-size factor, frozen when the run began."""

    tile_px: int
    overlap_px: int

    automatic: dict[str, Any] | None = None
    """Options of the automatic masks; None where prompts are given."""

    prompts: str | None = None
    """Absolute path of the layer of prompts."""

    prompts_state: str | None = None
    area_of_interest: str | None = None
    """WKT in the raster's CRS; tiles outside are left out, or prompts where they are given."""

    alignment: dict[str, Any] | None = None
    """By how much the prompts were moved; None: as they lie."""

    def to_json(self) -> str:
        """Write every value."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RunSettings:
        """Read what `to_json` wrote.

        Raises:
            RasterError: another version wrote it.
        """
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError):
            raise RasterError("the journal is of another version of this program: start the run anew") from None

    def check_same(self, asked: RunSettings) -> None:
        """Make sure that going on with this run is what was asked for.

        Raises:
            RasterError: a setting differs; the message names it.
        """
        for field in dataclasses.fields(self):
            ours, theirs = getattr(self, field.name), getattr(asked, field.name)
            if ours != theirs:
                raise RasterError(
                    f"the run to go on with has another {field.name.replace('_', ' ')} ({_short(ours)}) than asked for "
                    f"({_short(theirs)}): ask for the same, or start anew without --resume"
                )


def file_state(path: Path) -> str:
    """Size and time of change of a file: what tells whether it is still the one that a run began with.

    Raises:
        RasterError: there is no such file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise RasterError(f"{path} can't be read ({error.strerror}): give a file that exists") from None
    return f"{status.st_size} bytes, {status.st_mtime_ns}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
