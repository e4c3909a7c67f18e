"""A Label Studio in a thread that answers tokens, pictures and cloud addresses as the real one was recorded to."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from werkzeug import Request, Response
from werkzeug.serving import make_server

LEGACY = "0123456789abcdef0123456789abcdef01234567"


def jwt(token_type: str, name: str, life_s: float = 300) -> str:
    """A token in the shape of Label Studio's; nobody here checks the signature."""
    claims = {"token_type": token_type, "jti": name, "iat": 1_000_000, "exp": 1_000_000 + life_s}
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "s"]
    )


PERSONAL = jwt("refresh", "personal")


@dataclass
class FakeStudio:
    """What it holds, what it was asked, and what its switches are."""

    url: str = ""
    legacy_allowed: bool = True
    pictures: dict[str, bytes] = field(default_factory=dict)
    """Path, or cloud address, to content."""
    presigned: dict[str, str] = field(default_factory=dict)
    """Cloud address to where it redirects."""
    etags: bool = False
    exchanges: int = 0
    asked: list[tuple[str, str | None, int]] = field(default_factory=list)
    """Path, Authorization, status."""
    valid_access: set[str] = field(default_factory=set)
    life_s: float = 300
    pause: threading.Event | None = None
    """Where set, pictures are held back until it is."""

    exchange_status: int = 200
    """Of the answer to an exchange; other than 200, or redirected, it holds no token."""
    personal: str | None = PERSONAL
    """The only one that is exchanged; None exchanges any."""
    api: dict[str, tuple[int, object]] = field(default_factory=dict)
    """Path of the REST interface to status and JSON."""

    def app(self, environ: dict[str, object], start_response: object) -> object:
        request = Request(environ)
        response = self._answer(request)
        self.asked.append((request.path, request.headers.get("Authorization"), response.status_code))
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path == "/api/token/refresh/":
            return self._exchange(request)
        if request.path == "/api/version" and request.path in self.api:
            return self._json(request.path)
        if not self._is_authorized(request.headers.get("Authorization", "")):
            return Response('{"detail":"Invalid token."}', 401, content_type="application/json")
        key = f"{request.method} {request.path}"
        if key in self.api or request.path in self.api:
            return self._json(key if key in self.api else request.path)
        if request.path.endswith("/presign/"):
            return self._presign(request)
        return self._picture(request.full_path.rstrip("?"), request)

    def _json(self, key: str) -> Response:
        status, body = self.api[key]
        headers = {"Location": str(body)} if 300 <= status < 400 else {}
        return Response(json.dumps(body), status, headers, content_type="application/json")

    def _exchange(self, request: Request) -> Response:
        if self.exchange_status != 200 or self.personal == "":
            return Response("no", self.exchange_status)
        if self.personal is not None and request.get_json().get("refresh") != self.personal:
            return Response('{"detail":"Token is invalid"}', 401, content_type="application/json")
        self.exchanges += 1
        access = jwt("access", f"access {self.exchanges}", self.life_s)
        self.valid_access.add(access)
        return Response(json.dumps({"access": access}), content_type="application/json")

    def _is_authorized(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        return (kind == "Bearer" and token in self.valid_access) or (
            kind == "Token" and token == LEGACY and self.legacy_allowed
        )

    def _presign(self, request: Request) -> Response:
        uri = base64.urlsafe_b64decode(request.args["fileuri"]).decode()
        if uri in self.presigned:
            return Response(status=303, headers={"Location": self.presigned[uri]})
        return self._picture(uri, request)

    def _picture(self, name: str, request: Request) -> Response:
        if self.pause is not None:
            self.pause.wait(10)
        if name not in self.pictures:
            return Response(status=404)
        response = Response(self.pictures[name])
        if self.etags:
            response.add_etag()
            response.make_conditional(request)
        return response

    def count(self, path: str, status: int = 200) -> int:
        """How often ``path`` was answered with ``status``."""
        return sum(asked[0] == path and asked[2] == status for asked in self.asked)


@contextmanager
def running(studio: FakeStudio) -> Iterator[FakeStudio]:
    """Serve it on loopback."""
    server = make_server("127.0.0.1", 0, studio.app, threaded=True)
    studio.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield studio
    server.shutdown()
    thread.join()
    server.server_close()
