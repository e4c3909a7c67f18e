"""Asks the engine in a thread of its own and tells the main thread by signals."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..engine.engine import Engine, EngineError, ErrorKind
from .mailbox import Job, Mailbox
from .outcome import Steps
from .prompts import PromptStack


@dataclass(frozen=True, eq=False)
class Mask:
    """One answer to what the object might be."""

    polygons: list[Any]
    """Coordinates of a GeoJSON MultiPolygon, in map coordinates of the raster."""

    score: float
    area_px: float


@dataclass(frozen=True, eq=False)
class Answer:
    """What the engine says of a job."""

    job: Job
    masks: tuple[Mask, ...]
    """From the largest to the smallest; none if the job had no prompts."""

    best: int
    """Index of the mask that the model trusts most."""

    embed_s: float
    """Until the embedding was there; `read_s` of it went into pixels."""

    read_s: float

    decode_s: float
    """From prompts to polygons; `outline_s` of it went into polygons."""

    outline_s: float
    was_known: bool
    """Whether the embedding was there already."""

    called_at: float
    """`time.perf_counter` when the request was sent."""

    call_s: float
    """From there to its result."""

    def steps(self, shown_at: float) -> Steps:
        """What the time from the click to the preview went into."""
        return Steps(
            render=self.job.ready_at - self.job.asked_at,
            wait=self.called_at - self.job.ready_at,
            read=self.read_s,
            embed=max(0.0, self.embed_s - self.read_s),
            decode=max(0.0, self.decode_s - self.outline_s),
            outline=self.outline_s,
            transport=max(0.0, self.call_s - self.embed_s - self.decode_s),
            draw=shown_at - self.called_at - self.call_s,
            total=shown_at - self.job.asked_at,
        )


class Asker(QObject):
    """Answers the latest job; its signals arrive in the main thread."""

    answered = pyqtSignal(object)
    """An `Answer`."""

    failed = pyqtSignal(object, object)
    """The `Job`, or None where the engine didn't start, and the `EngineError`."""

    began = pyqtSignal(bool)
    """The engine works on a job now; whether its view is new, which takes a while."""

    ready = pyqtSignal(object)
    """The engine's ``hello``: it is there."""

    told = pyqtSignal(str)
    """A warning of the engine's, as a sentence."""

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._mailbox = Mailbox()
        self._refinable: tuple[str, str, PromptStack] = ("", "", PromptStack())
        self._known_keys: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="segment-anything-map-tool", daemon=True)

    def start(self) -> None:
        """Begin, by starting the engine; the signals should be connected by now."""
        self._thread.start()

    def ask(self, job: Job) -> None:
        """Answer a job as soon as the one before allows."""
        self._mailbox.put(job)

    def forget(self) -> None:
        """Ask nothing that waits; what is being asked goes on."""
        self._mailbox.forget()

    def close(self, wait_s: float = 3.0) -> None:
        """Stop asking. The engine stays as it is."""
        self._mailbox.close()
        self._thread.join(wait_s)

    def _run(self) -> None:
        is_ready = self._greet()
        job = self._mailbox.take()
        while job is not None:
            is_ready = is_ready or self._greet()
            if is_ready:
                self._attend_to(job)
            job = self._mailbox.take()

    def _greet(self) -> bool:
        """Start the engine, which loads the model then."""
        try:
            self.ready.emit(self._engine.call("hello", {}, None, self._mailbox.is_now_closed))
        except EngineError as error:
            self._report(None, error)
            return False
        return True

    def _attend_to(self, job: Job) -> None:
        self.began.emit(job.view.key not in self._known_keys)
        try:
            answer = self._answer(job)
        except EngineError as error:
            self._known_keys.clear()  # a worker that has ended knows nothing any more
            self._report(job, error)
            return
        self._known_keys.add(job.view.key)
        self.answered.emit(answer)

    def _report(self, job: Job | None, error: EngineError) -> None:
        if error.kind != ErrorKind.CANCELLED:
            self.failed.emit(job, error)

    def _answer(self, job: Job) -> Answer:
        began = time.perf_counter()
        result = self._engine.call(
            "object" if job.is_click else "prefetch",
            {**job.view.fields, **(self._click_fields(job) if job.is_click else {})},
            self._on_event,
            lambda: self._mailbox.is_overtaken(job),
        )
        if job.is_click:
            self._refinable = (job.object_id, job.view.key, job.prompts)
        return _answer_of(job, result, began, time.perf_counter() - began)

    def _click_fields(self, job: Job) -> dict[str, Any]:
        """The engine refines the mask that it gave last: only where that one is of fewer prompts in the same view."""
        object_id, view_key, prompts = self._refinable
        is_same = (object_id, view_key) == (job.object_id, job.view.key)
        refine = job.may_refine and is_same and job.prompts.follows(prompts)
        return {**job.prompts.fields, "object": job.object_id, "refine": refine}

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "log" and event.get("level") == "warning":
            self.told.emit(str(event["message"]))


def _answer_of(job: Job, result: dict[str, Any], called_at: float, call_s: float) -> Answer:
    masks = [Mask(mask["polygons"], float(mask["score"]), float(mask["area_px"])) for mask in result.get("masks", ())]
    order = sorted(range(len(masks)), key=lambda index: -masks[index].area_px)
    return Answer(
        job=job,
        masks=tuple(masks[index] for index in order),
        best=order.index(result["best"]) if masks else 0,
        embed_s=float(result.get("embed_s") or 0),
        read_s=float(result.get("read_s") or 0),
        decode_s=float(result.get("decode_s") or 0),
        outline_s=float(result.get("outline_s") or 0),
        was_known=bool(result.get("was_known")),
        called_at=called_at,
        call_s=call_s,
    )
