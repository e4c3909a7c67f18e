"""The body of ``/predict``, as Label Studio 1.2x sends it, made into a typed request. Tolerant of what is left out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import RequestError
from sam_backend.label_studio.labeling_config import LabelingConfig, parse_labeling_config

_CURE = "send what Label Studio sends"


@dataclass(frozen=True, slots=True)
class Task:
    """One task: a row of the project."""

    id: int | None
    """None in test requests without one."""

    data: dict[str, Any]
    """What was imported: addresses of pictures and whatever else."""

    drafts: tuple[dict[str, Any], ...] = ()
    """As sent: only those of the person who clicked; empty where nobody did."""

    annotations: tuple[dict[str, Any], ...] = ()
    """As sent, of all people."""

    predictions: tuple[dict[str, Any], ...] = ()
    """As sent, of all models."""

    def picture_uri(self, data_key: str, item_index: int | None = None) -> str:
        """The address under ``data_key``; of a list of pictures (``valueList``) the one at ``item_index``.

        Raises:
            RequestError: there is no address there.
        """
        value = self.data.get(data_key)
        if isinstance(value, list) and item_index is not None and 0 <= item_index < len(value):
            value = value[item_index]
        if not isinstance(value, str) or not value.strip():
            raise RequestError(
                f"the task's data has no picture under {data_key[:60]!r}: give an address there, as the config asks"
            )
        return value.strip()

    def picture_uris(self, config: LabelingConfig) -> tuple[str, ...]:
        """The addresses of all pictures that the config shows of it; what makes no sense is passed over."""
        values = [self.data.get(data_key) for _, data_key in config.variables]
        listed = [one for value in values for one in (value if isinstance(value, list) else [value])]
        return tuple(dict.fromkeys(uri.strip() for uri in listed if isinstance(uri, str) and uri.strip()))


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """One call of ``/predict``."""

    tasks: tuple[Task, ...]
    """One when a person clicks or opens a task; any number for "Retrieve predictions"."""

    project: str | None
    """ "<id>.<time of creation>", the same text that ``/setup`` brings."""

    config: LabelingConfig
    """Of the project; empty if none came."""

    config_digest: str
    """Of the config's text, to see whether it is still the same."""

    prompt_items: tuple[dict[str, Any], ...] | None
    """The regions drawn as prompts, oldest first. None when nobody clicked: a task was opened, or a batch."""


def parse_predict_request(body: object) -> PredictRequest:
    """Read a ``/predict`` body.

    Raises:
        RequestError: it is no JSON object, has no list of tasks, or a labeling config that is no XML.
    """
    if not isinstance(body, dict):
        raise RequestError(f"the body must be a JSON object, got {type(body).__name__}: {_CURE}")
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise RequestError(f"tasks must be a list, got {type(tasks).__name__}: {_CURE}")
    items = _prompt_items(body.get("params"))
    if items is not None and not tasks:
        raise RequestError("prompts came without a task: send the one task they were drawn on")
    config_text = _text_or_none(body.get("label_config"))
    return PredictRequest(
        tasks=tuple(parse_task(task) for task in tasks),
        project=_text_or_none(body.get("project")),
        config=parse_labeling_config(config_text),
        config_digest=hashlib.sha256((config_text or "").encode()).hexdigest(),
        prompt_items=items,
    )


def parse_tasks_created(body: object) -> PredictRequest | None:
    """Read a ``/webhook`` body that tells of new tasks; None if it tells of something else, or can't be read."""
    if not isinstance(body, dict) or body.get("action") != "TASKS_CREATED":
        return None
    project = body.get("project")
    about = project if isinstance(project, dict) else {}
    project_id = about.get("id")
    try:
        return parse_predict_request(
            {
                "tasks": body.get("tasks"),
                "project": None if project_id is None else str(project_id),
                "label_config": about.get("label_config"),
            }
        )
    except RequestError:
        return None


def parse_start_training(body: object) -> int | None:
    """Read a ``/webhook`` body that asks for a training, and return the project's id; None if it is about other things.

    Raises:
        RequestError: it names no project.
    """
    if not isinstance(body, dict) or body.get("action") != "START_TRAINING":
        return None
    project = body.get("project")
    project_id = project.get("id") if isinstance(project, dict) else None
    if not isinstance(project_id, int) or isinstance(project_id, bool) or project_id < 1:
        raise RequestError(f"START_TRAINING came without a project's id: {_CURE}")
    return project_id


def parse_task(task: object) -> Task:
    """Read one task, as ``/predict`` and the REST interface have it.

    Raises:
        RequestError: it is no object with data in it.
    """
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(task, dict) or not isinstance(data, dict):
        raise RequestError(f"a task must be an object with data in it: {_CURE}")
    task_id = task.get("id")
    return Task(
        id=task_id if isinstance(task_id, int) else None,
        data=data,
        drafts=_objects(task.get("drafts")),
        annotations=_objects(task.get("annotations")),
        predictions=_objects(task.get("predictions")),
    )


def _objects(values: object) -> tuple[dict[str, Any], ...]:
    return tuple(value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()


def _prompt_items(params: object) -> tuple[dict[str, Any], ...] | None:
    context = params.get("context") if isinstance(params, dict) else None
    if not isinstance(context, dict):
        return None
    result = context.get("result")
    return tuple(item for item in result if isinstance(item, dict)) if isinstance(result, list) else ()


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
