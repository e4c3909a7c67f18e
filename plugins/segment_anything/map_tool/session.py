"""The object in progress: from what the user does to what the map shows. Lives in the main thread."""

from __future__ import annotations

import time
import uuid
from typing import Callable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QMetaObject, QObject, QTimer, pyqtSignal

from ..engine.engine import Engine, EngineError, ErrorKind
from ..text import tr
from .asker import Answer, Mask
from .connection import Connection
from .crossing import Crossing, CrossingError
from .mailbox import Job, View
from .outcome import Steps
from .outlines import area_m2, multi_polygon
from .preview import Preview
from .prompts import XY, Box, Click, PromptStack, box_around
from .target import Accepted
from .view_source import NothingInSight, ViewSource

_SETTLED_MS = 250
"""How long the map must rest before its view is prefetched."""

_OF_THE_PROMPT = (ErrorKind.RASTER, ErrorKind.BAD_REQUEST)
"""Errors that the last prompt brought about, so that it is taken back."""


class Session(QObject):
    """One object after the other, in one raster.

    Args:
        canvas: on which the user points.
        find_engine: gives the engine that the settings name; called in the main thread.
    """

    changed = pyqtSignal()
    """Something that the status line shows."""

    became_busy = pyqtSignal(str)
    """What takes a while now, in a few words; an empty text when nothing does any more."""

    failed = pyqtSignal(str)
    """One sentence: what came, what was wanted, what to do."""

    warned = pyqtSignal(str)
    """A warning of the engine's."""

    def __init__(self, canvas: QgsMapCanvas, find_engine: Callable[[], Engine], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self.preview = Preview(canvas)
        """What the map shows."""
        self._connection = Connection(find_engine, self)
        self._connection.answered.connect(self._on_answered)
        self._connection.failed.connect(self._on_failed)
        self._connection.became_busy.connect(self.became_busy)
        self._connection.told.connect(self.warned)
        self._layer: QgsRasterLayer | None = None
        self._source: ViewSource | None = None
        self._style_link: QMetaObject.Connection | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self.prefetch)
        self._is_active = False
        self._begin_object()

    # What the user does -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the engine and look at the view, ahead of the first click."""
        self._is_active = True
        self._canvas.extentsChanged.connect(self._look_soon)
        self._canvas.destinationCrsChanged.connect(self._show)
        self.prefetch()

    def stop(self) -> None:
        """Forget the object; the engine goes on waiting."""
        self._is_active = False
        self._settled.stop()
        self._canvas.extentsChanged.disconnect(self._look_soon)
        self._canvas.destinationCrsChanged.disconnect(self._show)
        self.clear()

    def set_raster(self, layer: QgsRasterLayer | None) -> None:
        """Point at another raster; the object in progress is forgotten."""
        if layer is self._layer:
            return
        self._watch(layer)
        self._layer, self._source = layer, None
        self.clear()
        self._look_soon()

    def add_click(self, point: QgsPointXY, is_foreground: bool) -> None:
        """Add a point of the object, or one beside it, in the CRS of the canvas."""
        self._add((point,), lambda xy: Click(xy[0], is_foreground))

    def add_box(self, corners: tuple[QgsPointXY, ...]) -> None:
        """Draw a box, given by its four corners in the CRS of the canvas."""
        self._add(corners, box_around)

    def undo(self) -> None:
        """Take the last prompt back."""
        if self._prompts:
            self._prompts = self._prompts.undone()
            self._ask()

    def clear(self) -> None:
        """Forget the object in progress."""
        self._begin_object()
        self._connection.forget()
        self._show()

    def cycle(self) -> None:
        """Show the next of the masks."""
        if self._answer is not None and self._answer.masks:
            self._index = (self._index + 1) % len(self._answer.masks)
            self._show()

    def prefetch(self) -> None:
        """Let the engine look at what is in sight."""
        self._settled.stop()
        if not self._is_active or self._layer is None or self._prompts or not self._connect():
            return
        try:
            self._request_view(lambda view: self._connection.ask(Job(view, PromptStack())))
        except NothingInSight:
            return  # a click will say so

    def close(self) -> None:
        """Stop asking and clean the canvas."""
        self._settled.stop()
        self._connection.close()
        self._watch(None)
        self.preview.close()

    # What there is ----------------------------------------------------------------------------------------------

    @property
    def prompts(self) -> PromptStack:
        """Of the object in progress, in the CRS of the raster."""
        return self._prompts

    @property
    def raster(self) -> QgsRasterLayer | None:
        """The one that is pointed at."""
        return self._layer

    @property
    def answer(self) -> Answer | None:
        """To all prompts of the object; None while there is none."""
        return self._answer

    @property
    def shown(self) -> tuple[Mask, int] | None:
        """The mask that the map shows and its index; None where it shows none."""
        return (
            None if self._answer is None or not self._answer.masks else (self._answer.masks[self._index], self._index)
        )

    @property
    def outline(self) -> QgsGeometry | None:
        """Of the mask that is shown, in the CRS of the raster; None if there is none or it is empty."""
        if self.shown is None or not self.shown[0].polygons:
            return None
        return multi_polygon(self.shown[0].polygons)

    def accepted(self) -> tuple[QgsGeometry, Accepted] | None:
        """The outline and what is known of it; None if there is none to accept."""
        outline = self.outline
        if outline is None or self.shown is None or self._layer is None:
            return None
        hello = self._connection.hello
        version = str(hello.get("model_version") or hello.get("model") or "")
        area = area_m2(outline, self._layer.crs())
        return outline, Accepted(round(self.shown[0].score, 4), round(area, 3), self._layer.name(), version)

    # What happens then ------------------------------------------------------------------------------------------

    def _begin_object(self) -> None:
        self._prompts = PromptStack()
        self._object_id = uuid.uuid4().hex
        self._answer: Answer | None = None
        self._index = 0
        self.steps: Steps | None = None
        """What the answer took."""

    def _add(self, points: tuple[QgsPointXY, ...], prompt_of: Callable[[tuple[XY, ...]], Click | Box]) -> None:
        if self._layer is None:
            self.failed.emit(tr("there is no raster to point at: add one and choose it in the panel Segment Anything"))
            return
        try:
            prompt = prompt_of(self._to_layer().points(points))
        except CrossingError as error:
            self.failed.emit(str(error))
            return
        if isinstance(prompt, Click) and not self._layer.extent().contains(QgsPointXY(*prompt.xy)):
            self.failed.emit(
                tr("that place lies beside the raster '{0}': point at the raster").format(self._layer.name())
            )
            return
        self._prompts = self._prompts.plus(prompt)
        self._ask()

    def _ask(self) -> None:
        """Ask about all prompts; what is shown stays until the answer is there."""
        self._show_prompts()
        if not self._prompts:
            self.clear()
            return
        if not self._connect():
            return
        may_refine = self._answer is None or self._index == self._answer.best
        prompts, object_id, asked_at = self._prompts, self._object_id, time.perf_counter()
        try:
            self._request_view(
                lambda view: self._connection.ask(
                    Job(view, prompts, object_id, may_refine, asked_at, time.perf_counter())
                )
            )
        except NothingInSight as error:
            self.failed.emit(str(error))

    def _connect(self) -> bool:
        """Whether there is an engine; it may be another one than before, by the settings."""
        try:
            if self._connection.connect_engine():
                self._source = None
        except EngineError as error:
            self.failed.emit(str(error))
            return False
        return True

    def _request_view(self, then: Callable[[View], None]) -> None:
        if self._source is None:
            self._source = ViewSource(self._layer, self._connection.sees)
        self._source.request(self._in_sight(), self._prompts.bounds_xyxy, then)

    def _in_sight(self) -> QgsRectangle:
        """In the CRS of the raster; all of the raster where the CRS doesn't reach as far as the map."""
        settings = self._canvas.mapSettings()
        crossing = QgsCoordinateTransform(settings.destinationCrs(), self._layer.crs(), QgsProject.instance())  # type: ignore[union-attr]
        try:
            return crossing.transformBoundingBox(settings.visibleExtent())
        except QgsCsException:
            return self._layer.extent()  # type: ignore[union-attr]

    def _to_layer(self) -> Crossing:
        return Crossing(self._canvas.mapSettings().destinationCrs(), self._layer.crs())  # type: ignore[union-attr]

    def _on_answered(self, answer: Answer) -> None:
        if not answer.job.is_click or not self._is_awaited(answer.job):
            return
        self._answer, self._index = answer, answer.best
        self._show()
        self._canvas.viewport().repaint()
        self.steps = answer.steps(time.perf_counter())
        self.changed.emit()

    def _on_failed(self, job: Job | None, error: EngineError) -> None:
        if job is not None and not self._is_awaited(job):
            return
        if job is not None and job.is_click and error.kind in _OF_THE_PROMPT:
            self._prompts = self._prompts.undone()
            self._show_prompts()
        self.failed.emit(str(error))

    def _is_awaited(self, job: Job) -> bool:
        """Whether nothing has happened since that makes the answer stale."""
        return job.prompts == self._prompts and (not job.is_click or job.object_id == self._object_id)

    # The map ----------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if self._layer is not None:
            self.preview.show_mask(self.outline, self._layer.crs())
        self._show_prompts()
        self.changed.emit()

    def _show_prompts(self) -> None:
        crs = QgsCoordinateReferenceSystem() if self._layer is None else self._layer.crs()
        try:
            self.preview.show_prompts(self._prompts, crs)
        except CrossingError as error:
            self.failed.emit(str(error))

    def _watch(self, layer: QgsRasterLayer | None) -> None:
        """Look anew when the layer's style changes: the model sees the bands that the user sees."""
        if self._style_link is not None:
            self.disconnect(self._style_link)
        self._style_link = None if layer is None else layer.rendererChanged.connect(self._on_style)

    def _on_style(self) -> None:
        if self._source is not None:
            self._source.forget()
        self._look_soon()

    def _look_soon(self) -> None:
        """Once the map rests, so that nobody reads the views that a person only passes by."""
        if self._is_active:
            self._settled.start()
