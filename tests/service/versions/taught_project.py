"""A Label Studio in a thread that holds one project of bright rectangles, annotated by polygons."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from werkzeug import Request, Response
from werkzeug.serving import make_server

PROJECT = 5
TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105 - of a server on loopback
HW = (48, 64)
CONFIG = (
    '<View><PolygonLabels name="shape" toName="image"><Label value="Thing"/></PolygonLabels>'
    '<Image name="image" value="$image"/></View>'
)
BOXES_XYXY = ((4, 4, 24, 20), (34, 8, 58, 26), (10, 28, 30, 44))
"""In px of each picture."""


def picture_uri(seed: int) -> str:
    """A dark noisy picture with the bright boxes, as data: URI."""
    image = np.random.default_rng(seed).integers(0, 40, (*HW, 3), np.uint8)
    for x0, y0, x1, y1 in BOXES_XYXY:
        image[y0:y1, x0:x1] += 180
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def polygon_region(box_xyxy: tuple[int, int, int, int], region_id: str) -> dict[str, Any]:
    """A box drawn as a polygon."""
    x0, y0, x1, y1 = box_xyxy
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    points = [[100 * x / HW[1], 100 * y / HW[0]] for x, y in corners]
    size = {"original_width": HW[1], "original_height": HW[0], "image_rotation": 0}
    value = {"points": points, "closed": True, "polygonlabels": ["Thing"]}
    return {**size, "id": region_id, "type": "polygonlabels", "from_name": "shape", "to_name": "image", "value": value}


def annotated_task(task_id: int) -> dict[str, Any]:
    """A task as the REST interface lists it."""
    result = [polygon_region(box, f"r{index}") for index, box in enumerate(BOXES_XYXY)]
    annotation = {"id": task_id, "was_cancelled": False, "updated_at": "2026-01-01", "result": result}
    return {"id": task_id, "data": {"image": picture_uri(task_id)}, "annotations": [annotation]}


@dataclass
class TaughtStudio:
    """What it holds."""

    url: str = ""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    hold: threading.Event | None = None
    """Where set, answers wait for it."""

    asked: threading.Event = field(default_factory=threading.Event)

    def app(self, environ: dict[str, object], start_response: object) -> object:
        request = Request(environ)
        self.asked.set()
        if self.hold is not None:
            self.hold.wait(60)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Token {TOKEN}":
            return _json({"detail": "Invalid token."}, 401)
        if request.path.rstrip("/") == f"/api/projects/{PROJECT}":
            return _json({"id": PROJECT, "title": "Things", "label_config": CONFIG, "task_number": len(self.tasks)})
        if request.path.rstrip("/") == "/api/tasks":
            items = json.loads(request.args["query"])["filters"]["items"]
            after = next(item["value"] for item in items if item["filter"] == "filter:tasks:id")
            found = [task for task in self.tasks if task["id"] > after and task["annotations"]]
            return _json({"tasks": found[: int(request.args["page_size"])], "total": len(found)})
        return _json({"detail": "Not found."}, 404)


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@contextmanager
def running(studio: TaughtStudio) -> Iterator[TaughtStudio]:
    """Serve it on loopback."""
    server = make_server("127.0.0.1", 0, studio.app, threaded=True)
    studio.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield studio
    if studio.hold is not None:
        studio.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()
