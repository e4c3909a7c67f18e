"""A Label Studio with one project of many tasks, as far as whole projects need it; the rules are those of 1.23.2."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fake_studio import FakeStudio
from werkzeug import Request, Response

PROJECT = 7
CONFIG = (
    '<View><BrushLabels name="tag" toName="image"><Label value="Car"/><Label value="Tree"/></BrushLabels>'
    '<RectangleLabels name="box" toName="image"><Label value="Car"/><Label value="Tree"/></RectangleLabels>'
    '<Image name="image" value="$image"/></View>'
)
Json = dict[str, Any]


@dataclass
class ProjectStudio(FakeStudio):
    """Holds tasks by id, each with annotations, drafts and predictions."""

    config: str = CONFIG
    tasks: dict[int, Json] = field(default_factory=dict)
    n_predictions: int = 0
    failing: list[int | None] = field(default_factory=list)
    """Statuses of the next answers of the REST interface; None cuts the connection after the work is done."""

    on_page: Callable[[], None] | None = None
    """Called after each page of tasks, to change what the next one holds."""

    refuses: Callable[[Json], bool] = lambda prediction: False
    """Whether a prediction is passed over silently, as an invalid one is."""

    pages: list[tuple[int, bool]] = field(default_factory=list)
    """How many tasks each page held, and whether with their regions."""

    def add(self, task_id: int, picture: str, **regions: list[Json]) -> None:
        """Put a task there; ``annotations``, ``drafts`` and ``predictions`` as the REST interface has them."""
        self.tasks[task_id] = {"id": task_id, "data": {"image": picture}, "project": PROJECT}
        for kind in ("annotations", "drafts", "predictions"):
            self.tasks[task_id][kind] = []
        for annotation in regions.get("annotations", []):
            self.tasks[task_id]["annotations"].append({"was_cancelled": False, **annotation})
        self.tasks[task_id]["drafts"] += regions.get("drafts", [])
        for prediction in regions.get("predictions", []):
            self._store({"task": task_id, **prediction})

    def predictions(self, task_id: int) -> list[Json]:
        """What is stored for a task."""
        return self.tasks[task_id]["predictions"]

    def _answer(self, request: Request) -> Response:
        if not request.path.startswith("/api/") or request.path == "/api/token/refresh/":
            return super()._answer(request)
        status = self.failing.pop(0) if self.failing else 200
        if status is not None and status != 200:
            return Response("not now", status)
        if not self._is_authorized(request.headers.get("Authorization", "")):
            return Response('{"detail":"Invalid token."}', 401, content_type="application/json")
        status_now, body = self._do(request)
        if status is None:
            return Response("lost", 502)
        return Response(json.dumps(body), status_now, content_type="application/json")

    def _do(self, request: Request) -> tuple[int, Any]:
        path, parts = request.path, request.path.strip("/").split("/")
        if request.path in self.api:
            return self.api[request.path]
        if path == f"/api/projects/{PROJECT}/":
            about = {"id": PROJECT, "title": "Cars", "label_config": self.config, "task_number": len(self.tasks)}
            return 200, {**about, "model_version": "", "show_collab_predictions": True}
        if path == "/api/tasks" and request.args.get("project") == str(PROJECT):
            return 200, self._page(request)
        if path == f"/api/projects/{PROJECT}/import/predictions":
            return self._import(request.get_json())
        if request.method == "DELETE" and parts[:2] == ["api", "predictions"]:
            return self._delete(int(parts[2]))
        return 404, {"detail": "Not found."}

    def _page(self, request: Request) -> Json:
        items = json.loads(request.args["query"])["filters"]["items"]
        found = [task for _, task in sorted(self.tasks.items()) if all(_holds(task, item) for item in items)]
        page, is_full = found[: int(request.args["page_size"])], request.args["fields"] == "all"
        self.pages.append((len(page), is_full))
        if self.on_page is not None:
            self.on_page()
        return {"total": len(found), "tasks": [task if is_full else _without_regions(task) for task in page]}

    def _import(self, predictions: list[Json]) -> tuple[int, Any]:
        for number, prediction in enumerate(predictions):
            if prediction["task"] not in self.tasks:
                return 400, {"detail": f"Prediction {number}: task not found in project"}
        stored = [prediction for prediction in predictions if not self.refuses(prediction)]
        for prediction in stored:
            self._store(prediction)
        return 201, {"created": len(stored)}

    def _store(self, prediction: Json) -> None:
        self.n_predictions += 1
        self.tasks[prediction["task"]]["predictions"].append({"id": self.n_predictions, **prediction})

    def _delete(self, prediction_id: int) -> tuple[int, Any]:
        for task in self.tasks.values():
            for prediction in task["predictions"]:
                if prediction["id"] == prediction_id:
                    task["predictions"].remove(prediction)
                    return 204, ""
        return 404, {"detail": "Not found."}


def _holds(task: Json, item: Json) -> bool:
    column, operator, value = item["filter"].removeprefix("filter:tasks:"), item["operator"], item["value"]
    if column == "predictions_model_versions":
        assert operator == "not_contains"
        return not any(one in prediction["model_version"] for prediction in task["predictions"] for one in value)
    of_task = {"id": task["id"], "total_annotations": len(task["annotations"])}[column]
    return of_task > value if operator == "greater" else of_task == value


def _without_regions(task: Json) -> Json:
    return {key: value for key, value in task.items() if key not in ("annotations", "drafts", "predictions")}
