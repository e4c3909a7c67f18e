"""Servers on loopback that stand for Label Studio and for the rest of the web."""

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from picture_server import OWN_KEY, PictureServer, handler_of


@pytest.fixture
def serve() -> Iterator[Callable[[], PictureServer]]:
    running: list[ThreadingHTTPServer] = []

    def start() -> PictureServer:
        told = PictureServer(url="")
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(told))
        told.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(server)
        return told

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def studio(serve: Callable[[], PictureServer]) -> PictureServer:
    """A server that wants the token ``OWN_KEY``, as Label Studio does."""
    server = serve()
    server.token = OWN_KEY
    return server


@pytest.fixture
def elsewhere(serve: Callable[[], PictureServer]) -> PictureServer:
    return serve()
