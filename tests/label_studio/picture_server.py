"""A real HTTP server, so that tokens, redirects and time limits are those of real connections."""

import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

OWN_KEY = "own-key"


@dataclass
class PictureServer:
    """What it was asked, and with which token."""

    url: str
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    """Wanted on every path but redirects; None wants nothing."""


def handler_of(server: PictureServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization")
            server.asked.append((self.path, authorization))
            if self.path in server.redirects:
                return self._answer(302, b"", location=server.redirects[self.path])
            if server.token is not None and authorization != f"Token {server.token}":
                return self._answer(401, b"who are you")
            if self.path.startswith("/status/"):
                return self._answer(int(self.path[8:11]), b"no")
            if self.path == "/chunked":
                return self._chunked()
            if self.path == "/drip":
                return self._drip()
            return self._answer(200, self.path.encode() * 10)

        def _answer(self, status: int, body: bytes, location: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if location is not None:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def _chunked(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(20):
                try:
                    self.wfile.write(b"x")
                except OSError:  # the client has had enough: what is tested
                    return
                time.sleep(0.1)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
