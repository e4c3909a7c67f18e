"""What the engine tells while it works, passed on to the log and the progress bar."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from qgis.core import QgsProcessingFeedback

from ..engine.engine import Fields
from ..text import tr

_SECONDS_BETWEEN_TEXTS = 5.0
_SHARE_OF_TILES = 0.9
"""Of the progress bar; the rest is healing and writing."""

_SHARE_BEFORE_WRITING = 0.97


@dataclass
class Conversation:
    """One request's events on their way to the user."""

    feedback: QgsProcessingFeedback
    _next_text_at: float = field(default=0.0, init=False)
    _stage: str = field(default="", init=False)

    def on_event(self, event: Fields) -> None:
        """Pass on an event of the engine."""
        if event.get("event") == "log":
            show = self.feedback.pushWarning if event.get("level") == "warning" else self.feedback.pushInfo
            show(str(event.get("message", "")))
        elif event.get("event") == "progress":
            self._show_progress(event)

    def _show_progress(self, event: Fields) -> None:
        stage = str(event.get("stage", ""))
        n_tiles, n_finished = int(event.get("n_tiles") or 0), int(event.get("n_finished") or 0)
        share = n_finished / n_tiles if n_tiles else 0.0
        if stage == "tiles":
            self.feedback.setProgress(100 * _SHARE_OF_TILES * share)
        elif stage == "healing":
            self.feedback.setProgress(100 * _SHARE_OF_TILES)
        else:
            self.feedback.setProgress(100 * _SHARE_BEFORE_WRITING)
        if stage != self._stage or time.monotonic() >= self._next_text_at:
            self._stage, self._next_text_at = stage, time.monotonic() + _SECONDS_BETWEEN_TEXTS
            self.feedback.setProgressText(_progress_text(stage, n_tiles, n_finished, event))


def model_line(hello: Fields) -> str:
    """Which model computes where."""
    return tr("Model {0} on {1}, backend {2}").format(
        hello.get("model") or "?", hello.get("device") or "?", hello.get("version") or "?"
    )


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 90:
        return tr("{0} s").format(round(seconds))
    if seconds < 90 * 60:
        return tr("{0} min").format(round(seconds / 60))
    return tr("{0:.1f} h").format(seconds / 3600)


def summary_lines(result: Fields) -> list[str]:
    """What a run has brought, a sentence a line."""
    tiles, objects = result.get("tiles") or {}, result.get("objects") or {}
    lines = []
    if tiles:
        lines.append(
            tr("Tiles: {0} done, {1} without data, {2} failed, {3} left").format(
                tiles.get("n_done", 0), tiles.get("n_empty", 0), len(tiles.get("failed", ())), tiles.get("n_left", 0)
            )
        )
    if result.get("layer_shift"):
        lines.append(_shift_line(result["layer_shift"]))
    if objects:
        lines.append(
            tr("Objects: {0} written, {1} filtered out, {2} seen whole by no tile").format(
                objects.get("n_objects", 0), objects.get("n_filtered", 0), objects.get("n_unresolved_cuts", 0)
            )
        )
        share = objects.get("outline_on_grid_share")
        if share is not None:
            lines.append(tr("{0:.2f} % of the outlines lie where tiles meet").format(100 * share))
        if objects.get("n_unanswered"):
            lines.append(
                tr("{0} prompts have no answer: outside the raster, or of another kind").format(objects["n_unanswered"])
            )
    return lines


def _shift_line(shift: Fields) -> str:
    if not shift["n_outlines"]:
        return tr("Whether the whole layer lies off can't be told: it has few outlines, or the picture few edges")
    if not shift["east"] and not shift["north"]:
        return tr("The layer as a whole lies where it should, by {0} of its outlines").format(shift["n_outlines"])
    return tr(
        "The layer as a whole lies off: move it by {0:.2f} to the east and {1:.2f} to the north ({2} outlines)"
    ).format(shift["east"], shift["north"], shift["n_outlines"])


def _progress_text(stage: str, n_tiles: int, n_finished: int, event: Fields) -> str:
    if stage == "healing":
        return tr("Looking again at objects that no tile saw whole")
    if stage != "tiles":
        return tr("Writing objects")
    text = tr("{0} of {1} tiles, {2} masks").format(n_finished, n_tiles, event.get("n_findings") or 0)
    if event.get("n_failed"):
        text += tr(", {0} failed").format(event["n_failed"])
    if event.get("seconds_left") is not None and n_finished:
        text += tr(", about {0} left").format(duration(float(event["seconds_left"])))
    return text
