"""The real backend in a process of its own, and a proxy before it that keeps what passes."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from server_process import ServerProcess, free_port

ROOT = Path(__file__).parents[2]
DEFAULT_PYTHON = ROOT / ".venv" / "bin" / "python"
START_S = 180.0
POLL_S = 0.05


def start_backend(
    port: int,
    studio_url: str,
    api_key: str,
    log_path: Path,
    local_files_root: Path | None = None,
    *,
    data_folder: Path,
) -> ServerProcess:
    """Start the backend as `make run` does, with Label Studio's address and key in its environment.

    Args:
        port: of loopback.
        studio_url: where it reaches Label Studio.
        api_key: legacy or personal.
        log_path: of its log.
        local_files_root: Label Studio's folder of local files; None as where no disk is shared with it.
        data_folder: a fresh one: a new Label Studio counts its projects from 1 again.
    """
    python = os.environ.get("BACKEND_PYTHON", str(DEFAULT_PYTHON))
    command = [
        python,
        "-m",
        "gunicorn",
        "-c",
        "python:sam_backend.service.gunicorn_conf",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    environ = os.environ | {
        "LABEL_STUDIO_URL": studio_url,
        "LABEL_STUDIO_API_KEY": api_key,
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(local_files_root or ""),
        "SAM_DATA_FOLDER": str(data_folder),
    }
    return ServerProcess.start("The backend", command, environ, log_path, f"http://127.0.0.1:{port}/health", START_S)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of Label Studio and the backend's answer."""

    path: str
    request: Any
    """Parsed JSON; None without a body."""

    status: int
    answer: Any
    """Parsed JSON; None if it was none."""

    @property
    def prompts(self) -> list[dict[str, Any]]:
        """The clicks and rectangles of a /predict request; empty where a task was merely opened."""
        context = (self.request.get("params") or {}).get("context") or {}
        return list(context.get("result") or [])

    @property
    def regions(self) -> list[dict[str, Any]]:
        """The regions of the first prediction answered."""
        results = self.answer["results"]
        return list(results[0]["result"]) if results else []


@dataclass(slots=True)
class RecordingProxy:
    """Stands between Label Studio and the backend, changes nothing and remembers all."""

    backend_url: str
    port: int = field(default_factory=free_port)
    exchanges: list[Exchange] = field(default_factory=list)
    _server: ThreadingHTTPServer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin to listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler_for(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The address to give to Label Studio."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def predictions(self) -> list[Exchange]:
        """Return all answered /predict calls so far."""
        return [exchange for exchange in self.exchanges if exchange.path == "/predict"]

    def clicks(self) -> list[Exchange]:
        """Return the answered /predict calls that carried prompts."""
        return [exchange for exchange in self.predictions() if exchange.prompts]

    def wait_for_click(self, count: int, wait: Callable[[float], None], patience_s: float = 180.0) -> Exchange:
        """Return the ``count``-th prompted /predict, which must come within ``patience_s``.

        Args:
            count: 1 for the first since the proxy was made.
            wait: called with seconds between two looks; must let the browser go on living.
            patience_s: how long to wait for request and answer.

        Raises:
            TimeoutError: it did not come.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if len(self.clicks()) >= count:
                return self.clicks()[count - 1]
            wait(POLL_S)
        raise TimeoutError(f"waited {patience_s:g} s for click {count} at /predict, saw {len(self.clicks())}")

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> requests.Response:
        """Pass one request on and record it with its answer."""
        response = requests.request(method, self.backend_url + path, headers=headers, data=body, timeout=100)
        self.exchanges.append(Exchange(path, _parsed(body), response.status_code, _parsed(response.content)))
        return response


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(body)
    except ValueError:
        return None


def _handler_for(proxy: RecordingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = ("content-type", "authorization", "user-agent")
            headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
            response = proxy.forward(self.command, self.path, headers, body)
            self.send_response(response.status_code)
            self.send_header("Content-Type", response.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean: the exchanges are recorded anyway."""

    return Handler
