"""A project with pictures and the backend, made through Label Studio's API as a person makes it in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sam_backend.cli.local_studio import LocalStudioError

TITLE = "Segment Anything: nuclei to click"
INSTRUCTION = """
<b>Auto-Annotation</b> on (bottom of the page); take the last tool of the toolbar; pick <i>Nucleus</i> under
<i>Smart click</i>; click a nucleus.<br/><b>Alt</b>+click: not this. In an accepted mask <b>Ctrl</b>+click: this too,
<b>Ctrl+Alt</b>+click: not this. Accept, submit.
"""
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class LocalStudio:
    """Label Studio's API on this machine."""

    url: str
    token: str

    def keep_project(self, remembered: Path, labeling_config: str, picture_paths: Sequence[Path], backend: str) -> int:
        """Make sure that the project is there, with pictures and the backend, and return its id.

        Each step looks first, so that a start that was interrupted is finished by the next one.

        Args:
            remembered: the file that holds the project's id; a project that was removed in the browser is made anew.
            labeling_config: of a new project.
            picture_paths: for a project without tasks.
            backend: its address; an older one is replaced.

        Raises:
            LocalStudioError: Label Studio refused something.
        """
        project = self._find(remembered) or self._create(labeling_config)
        remembered.write_text(f"{project['id']}\n")
        if not project.get("task_number"):
            self._upload(project["id"], picture_paths)
        self._connect(project["id"], backend)
        return int(project["id"])

    def first_task(self, project: int) -> int | None:
        """The id of a project's first task; None if it has none."""
        tasks = self._ask("GET", "/api/tasks", params={"project": project, "page": 1, "page_size": 1})["tasks"]
        return int(tasks[0]["id"]) if tasks else None

    def _find(self, remembered: Path) -> dict[str, Any] | None:
        number = remembered.read_text().strip() if remembered.exists() else ""
        if not number.isdecimal():
            return None
        answer = self._send("GET", f"/api/projects/{number}")
        return None if answer.status_code == 404 else dict(_read(answer))

    def _create(self, labeling_config: str) -> dict[str, Any]:
        body = {"title": TITLE, "label_config": labeling_config, "expert_instruction": INSTRUCTION}
        return dict(self._ask("POST", "/api/projects", json=body))

    def _upload(self, project: int, picture_paths: Sequence[Path]) -> None:
        with ExitStack() as open_files:
            files = [(path.name, (path.name, open_files.enter_context(path.open("rb")))) for path in picture_paths]
            self._ask("POST", f"/api/projects/{project}/import", files=files)

    def _connect(self, project: int, backend: str) -> None:
        connected = self._ask("GET", "/api/ml", params={"project": project})
        body = {"project": project, "url": backend, "title": "Segment Anything", "is_interactive": True}
        if not connected:
            self._ask("POST", "/api/ml", json=body)
        elif connected[0]["url"] != backend:
            self._ask("PATCH", f"/api/ml/{connected[0]['id']}", json=body)

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON of either shape
        return _read(self._send(method, path, **arguments))

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:  # noqa: ANN401 - of requests
        headers = {"Authorization": f"Token {self.token}"}
        try:
            return requests.request(method, self.url + path, headers=headers, timeout=_TIMEOUT_S, **arguments)
        except requests.RequestException as error:
            raise LocalStudioError(
                f"Label Studio didn't answer to {method} {path} ({type(error).__name__}): look into its log, and "
                "start again"
            ) from error


def _read(answer: requests.Response) -> Any:  # noqa: ANN401 - JSON of either shape
    if not answer.ok:
        raise LocalStudioError(
            f"Label Studio answered {answer.status_code} to {answer.request.method} {answer.request.path_url}, and the "
            f"sample project isn't complete: {answer.text[:300]}"
        )
    return answer.json()
