"""A real Label Studio for one test session, and its REST interface."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import requests
from server_process import ServerProcess

ROOT = Path(__file__).parents[2]
DEFAULT_BINARY = ROOT / ".e2e" / "label-studio" / "bin" / "label-studio"

EMAIL = "annotator@example.com"
PASSWORD = "first-click"  # noqa: S105 - of a throw-away server on loopback
LEGACY_TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105 - likewise

FIRST_START_S = 600.0
"""Label Studio migrates an empty database on its first start: about a minute on two idle cores."""

Json: TypeAlias = dict[str, Any]


def start_studio(port: int, data_dir: Path, local_files_root: Path, log_path: Path) -> ServerProcess:
    """Start Label Studio on loopback with an empty sqlite database and wait until it is healthy."""
    binary = os.environ.get("LABEL_STUDIO_BIN", str(DEFAULT_BINARY))
    command = [binary, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    environ = os.environ | _settings(port, data_dir, local_files_root)
    return ServerProcess.start(
        "Label Studio", command, environ, log_path, f"http://127.0.0.1:{port}/health", FIRST_START_S
    )


def _settings(port: int, data_dir: Path, local_files_root: Path) -> dict[str, str]:
    return {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data_dir),
        "LABEL_STUDIO_HOST": f"http://127.0.0.1:{port}",
        "LABEL_STUDIO_USERNAME": EMAIL,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": LEGACY_TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(local_files_root),
        # A person connects by hand and again if a busy machine was too slow; a test doesn't.
        "ML_CONNECTION_TIMEOUT": "30",
        "ML_TIMEOUT_HEALTH": "30",
        "ML_TIMEOUT_SETUP": "30",
        # Both are on by default since 1.23.1 and refuse every backend on a private address.
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        # Nothing outside this machine is asked.
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
    }


@dataclass(frozen=True, slots=True)
class StudioApi:
    """Label Studio's REST interface, signed in with the legacy token."""

    url: str
    """Root of the server, without a slash at its end."""

    def create_project(self, title: str, labeling_config: str) -> int:
        """Make a project; its title needs three characters."""
        return int(self._call("POST", "/api/projects", json={"title": title, "label_config": labeling_config})["id"])

    def upload_picture(self, project: int, picture_path: Path) -> int:
        """Upload a picture as one task and return the task's id."""
        with picture_path.open("rb") as picture:
            self._call("POST", f"/api/projects/{project}/import", files={"file": (picture_path.name, picture)})
        return self._newest_task(project)

    def add_local_folder(self, project: int, folder: Path) -> int:
        """Connect a folder of one picture as local-files storage and return its task's id."""
        storage = {"project": project, "path": str(folder), "regex_filter": r".*\.png$", "use_blob_urls": True}
        made = self._call("POST", "/api/storages/localfiles", json=storage)
        self._call("POST", f"/api/storages/localfiles/{made['id']}/sync")
        return self._newest_task(project)

    def add_task(self, project: int, address: str) -> int:
        """Add one task whose picture lies at an address, and return its id."""
        self._call("POST", f"/api/projects/{project}/import", json=[{"image": address}])
        return self._newest_task(project)

    def connect_backend(self, project: int, backend_url: str) -> int:
        """Connect a backend for interactive preannotation and return its id."""
        backend = {"project": project, "url": backend_url, "title": "Segment Anything", "is_interactive": True}
        return int(self._call("POST", "/api/ml", json=backend)["id"])

    def click_without_browser(self, backend: int, task: int, regions: list[Json]) -> Json:
        """Ask the backend through Label Studio as the editor does on a smart click."""
        body = {"task": task, "context": {"result": regions}}
        return self._call("POST", f"/api/ml/{backend}/interactive-annotating", json=body)

    def task(self, task: int) -> Json:
        """Return a task with its data."""
        return self._call("GET", f"/api/tasks/{task}")

    def drafts(self, task: int) -> list[Json]:
        """Return the drafts of a task."""
        return self._call("GET", f"/api/tasks/{task}/drafts")

    def annotations(self, task: int) -> list[Json]:
        """Return the submitted annotations of a task."""
        return self._call("GET", f"/api/tasks/{task}/annotations")

    def change_annotation(self, annotation: int, result: list[Json]) -> None:
        """Put other regions into a submitted annotation, as its update in the editor does."""
        self._call("PATCH", f"/api/annotations/{annotation}/", json={"result": result})

    def delete_annotation(self, annotation: int) -> None:
        """Delete a submitted annotation."""
        self._call("DELETE", f"/api/annotations/{annotation}/")

    def annotate(self, task: int, regions: list[Json]) -> None:
        """Submit an annotation."""
        self._call("POST", f"/api/tasks/{task}/annotations/", json={"result": regions})

    def predictions(self, task: int) -> list[Json]:
        """Return the stored predictions of a task."""
        return self._call("GET", "/api/predictions", params={"task": task})

    def make_personal_token(self) -> str:
        """Log in as the browser does and make a personal access token, of which a person has one."""
        session = requests.Session()
        session.get(f"{self.url}/user/login/", timeout=60)
        form = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post(f"{self.url}/user/login/", data=form, timeout=60).raise_for_status()
        made = session.post(f"{self.url}/api/token/", headers={"X-CSRFToken": session.cookies["csrftoken"]}, timeout=60)
        made.raise_for_status()
        return str(made.json()["token"])

    def _newest_task(self, project: int) -> int:
        answer = self._call("GET", "/api/tasks", params={"project": project})
        return max(int(task["id"]) for task in answer["tasks"])

    def _call(self, method: str, path: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON of either shape
        headers = {"Authorization": f"Token {LEGACY_TOKEN}"}
        response = requests.request(method, self.url + path, headers=headers, timeout=60, **arguments)
        if not response.ok:
            raise RuntimeError(f"{method} {path} was answered {response.status_code}: {response.text[:500]}")
        return response.json() if response.content else {}
