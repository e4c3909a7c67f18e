"""What ``studio`` asks of Label Studio, over real HTTP; as a program it takes the words of ``label-studio start``."""

from __future__ import annotations

import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """One project at most, kept in a file."""

    state_path: Path
    token: str

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/health":
            self._answer(200, {})
        elif self.headers.get("Authorization") != f"Token {self.token}":
            self._answer(401, {"detail": "Invalid token."})
        else:
            state = json.loads(self.state_path.read_text()) if self.state_path.exists() else {"backends": []}
            answer = self._route(path, body, state)
            self.state_path.write_text(json.dumps(state))
            self._answer(*answer)

    def _route(self, path: str, body: bytes, state: dict[str, Any]) -> tuple[int, object]:
        project, method = state.get("project"), self.command
        if (method, path) == ("POST", "/api/projects"):
            state["project"] = json.loads(body) | {"id": 7, "task_number": 0}
            return 201, state["project"]
        if path == "/api/projects/7/import":
            project["task_number"] = len(re.findall(rb'filename="[^"]+\.png"', body))
            return 201, {"task_count": project["task_number"]}
        if path == "/api/projects/7" and project:
            return 200, project
        if path == "/api/tasks":
            return 200, {"tasks": [{"id": 31}] if project["task_number"] else []}
        if path == "/api/ml" and method == "GET":
            return 200, state["backends"]
        if path in ("/api/ml", "/api/ml/3"):
            state["backends"] = [json.loads(body) | {"id": 3}]
            return 200, state["backends"][0]
        return 404, {"detail": "Not found."}

    def _answer(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def serve(port: int, state_path: Path, token: str) -> ThreadingHTTPServer:
    """Listen on a port of this machine; 0 takes any."""
    handler = type("StateHandler", (Handler,), {"state_path": state_path, "token": token})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    folder = Path(os.environ["LABEL_STUDIO_BASE_DATA_DIR"])
    folder.mkdir(exist_ok=True)
    if "broken" in os.environ.get("STAND_IN_STUDIO", ""):
        sys.exit("no such table: htx_user")
    port = int(sys.argv[sys.argv.index("--port") + 1])
    serve(port, folder / "state.json", os.environ["LABEL_STUDIO_USER_TOKEN"]).serve_forever()
