"""An engine whose answers are known: three squares around what was pointed at. It can be held up, and can fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from segment_anything.engine.engine import EngineError, ErrorKind

HELLO = {"protocol": 1, "version": "0.1.0", "model": "scripted", "model_version": "scripted-1", "state": "ready"}
SECONDS = {"embed_s": 0.29, "read_s": 0.04, "decode_s": 0.013, "outline_s": 0.003}
SIDES = (4.0, 12.0, 8.0)
"""Of the squares, in units of the raster's map; the second is the best."""


class ScriptedEngine:
    """Keeps what it was asked. `open` lets answers through; while it is clear, they wait."""

    def __init__(self, sees_files: bool = True) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.threads: set[int] = set()
        self.open = threading.Event()
        self.open.set()
        self.error: EngineError | None = None
        self.polygons_are_empty = False
        self.warning = ""
        self.n_cancelled = 0
        self.sees_files = sees_files

    def call(
        self,
        op: str,
        fields: dict[str, Any],
        on_event: Callable[[dict[str, Any]], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        self.calls.append((op, fields))
        self.threads.add(threading.get_ident())
        while not self.open.wait(0.01):
            if is_cancelled is not None and is_cancelled():
                self.n_cancelled += 1
                raise EngineError(ErrorKind.CANCELLED, "stopped before there was a result")
        if op == "hello":
            return HELLO
        if self.warning and on_event is not None:
            on_event({"event": "progress", "stage": "tiles"})
            on_event({"event": "log", "level": "warning", "message": self.warning})
        if self.error is not None:
            raise self.error
        if op == "prefetch":
            return {"embed_s": 0.5, "was_known": False}
        return self._object(fields)

    def sees(self, file: str) -> bool:
        return self.sees_files

    def close(self) -> None:
        pass

    def of(self, op: str) -> list[dict[str, Any]]:
        """The fields of each call of an operation."""
        return [fields for called, fields in self.calls if called == op]

    def _object(self, fields: dict[str, Any]) -> dict[str, Any]:
        box = fields["box_xyxy"]
        x, y = fields["points_xy"][0] if box is None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        polygons = [[] if self.polygons_are_empty else _square(x, y, side) for side in SIDES]
        masks = [
            {"polygons": polygon, "score": score, "area_px": side**2}
            for polygon, score, side in zip(polygons, (0.5, 0.9, 0.7), SIDES, strict=True)
        ]
        return {"masks": masks, "best": 1, **SECONDS, "was_known": False}


def _square(x: float, y: float, side: float) -> list[Any]:
    half = side / 2
    ring = [
        [x - half, y - half],
        [x + half, y - half],
        [x + half, y + half],
        [x - half, y + half],
        [x - half, y - half],
    ]
    return [[ring]]
