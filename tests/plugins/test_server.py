import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin
from segment_anything.engine.engine import EngineError, ErrorKind
from segment_anything.engine.server import Server
from werkzeug.serving import make_server

from sam_backend.service.app import create_app
from sam_backend.settings import Settings

TOKEN = "a token of the test"  # noqa: S105 - of this test
RUN = {"tile_size": 64, "overlap": 16, "points_per_side": 2, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    path = tmp_path / "here" / "town.tif"
    path.parent.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (3, 80, 110), np.uint8)
    options = {"driver": "GTiff", "height": 80, "width": 110, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32636", transform=from_origin(3e5, 5e6, 0.5, 0.5), **options) as file:
        file.write(pixels)
    return path


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def url(tiny_checkpoint: Path, raster: Path, spool: Path) -> Iterator[str]:
    """The real service, with a token, on a free port; it sees the raster's folder."""
    app = create_app(
        Settings(
            model=str(tiny_checkpoint),
            device="cpu",
            api_token=TOKEN,
            raster_folders=(raster.parent,),
            raster_spool=spool,
        )
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """A server of somebody else, which answers everything alike."""
    servers = []

    def start(status: int, body: bytes) -> str:
        class Stranger(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                """Be silent."""

        server = HTTPServer(("127.0.0.1", 0), Stranger)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def upload_names(spool: Path) -> list[str]:
    return sorted(name for _, _, names in os.walk(spool) for name in names if name.endswith("town.tif"))


def test_a_raster_is_sent_once_and_its_objects_come_back(url: str, raster: Path, spool: Path, tmp_path: Path) -> None:
    server, events, output = Server(url, TOKEN), [], tmp_path / "objects.gpkg"
    request = {"raster": str(raster), "output": str(output), "journal": "ignored", "area": None, "start": "auto", **RUN}

    result = server.call("run", request, events.append)
    again = server.call("run", request)

    assert result["state"] == "complete"
    assert result["output"] == str(output)
    assert len(pyogrio.raw.read(output, layer="objects")[2]) == result["objects"]["n_objects"] > 0
    assert {event["event"] for event in events} == {"log", "progress"}
    assert upload_names(spool) == ["town.tif"]
    assert again["objects"] == result["objects"]


def test_a_finished_run_is_filtered_anew_on_the_server(url: str, raster: Path, tmp_path: Path) -> None:
    server = Server(url, TOKEN)
    request = {"raster": str(raster), "output": str(tmp_path / "all.gpkg"), "start": "auto", **RUN}
    run = server.call("run", request)

    result = server.call(
        "refilter", {"journal": run["journal"], "output": str(tmp_path / "large.gpkg"), "min_area": 1e9}
    )

    assert result["objects"]["n_objects"] == 0
    assert len(pyogrio.raw.read(tmp_path / "large.gpkg", layer="objects")[2]) == 0


def test_what_the_server_sees_is_not_sent(url: str, raster: Path, spool: Path, tmp_path: Path) -> None:
    server = Server(url, TOKEN, f"{raster.parent};{tmp_path / 'other'}=/elsewhere")

    answer = server.call("prefetch", {"raster": str(raster), "view_px": [0, 0, 64, 64]})

    assert server.sees(str(raster))
    assert answer["was_known"] is False
    assert upload_names(spool) == []


def test_a_lost_upload_is_sent_again(url: str, raster: Path, spool: Path) -> None:
    server = Server(url, TOKEN)
    view = {"raster": str(raster), "view_px": [0, 0, 64, 64]}
    server.call("prefetch", view)
    for folder, _, names in os.walk(spool):
        for name in names:
            if name == "town.tif":
                os.remove(os.path.join(folder, name))

    answer = server.call("prefetch", {**view, "view_px": [16, 0, 64, 64]})

    assert answer["was_known"] is False


def test_a_cancelled_run_ends_as_one(url: str, raster: Path, tmp_path: Path) -> None:
    slow = {**RUN, "points_per_side": 48, "points_per_batch": 4}
    request = {"raster": str(raster), "output": str(tmp_path / "objects.gpkg"), "start": "restart", **slow}
    events: list[dict] = []

    result = Server(url, TOKEN).call("run", request, events.append, lambda: bool(events))

    assert result["state"] == "cancelled"
    assert not (tmp_path / "objects.gpkg").exists()


def test_sending_can_be_stopped(url: str, raster: Path) -> None:
    with pytest.raises(EngineError, match="being sent") as caught:
        Server(url, TOKEN).call(
            "prefetch", {"raster": str(raster), "view_px": [0, 0, 64, 64]}, is_cancelled=lambda: True
        )

    assert caught.value.kind == ErrorKind.CANCELLED


def test_hello_says_who_is_there(url: str) -> None:
    server = Server(url, TOKEN)

    assert server.call("hello", {})["model"] == "tiny"
    assert server.answers(5)
    server.close()


def test_an_error_of_the_engine_keeps_its_kind(url: str, raster: Path, tmp_path: Path) -> None:
    no_raster = tmp_path / "no.tif"
    no_raster.write_bytes(b"no raster at all")

    with pytest.raises(EngineError) as caught:
        Server(url, TOKEN).call("run", {"raster": str(no_raster), "output": str(tmp_path / "objects.gpkg")})

    assert caught.value.kind == ErrorKind.BAD_REQUEST


def test_a_wrong_token_is_told_from_a_wrong_server(url: str) -> None:
    with pytest.raises(EngineError, match="refuses the token: give the one of its SAM_API_TOKEN") as caught:
        Server(url, "another").call("hello", {})

    assert caught.value.kind == ErrorKind.REFUSED


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        pytest.param(200, b"<html>Welcome</html>", ErrorKind.NO_SERVER, "isn't JSON", id="a page"),
        pytest.param(404, b"not found", ErrorKind.NO_SERVER, "no raster engine", id="another service"),
        pytest.param(500, b"oops", ErrorKind.NO_SERVER, "status 500", id="broken"),
        pytest.param(429, b"", ErrorKind.UNAVAILABLE, "busy", id="busy"),
        pytest.param(200, b'{"protocol": 0}', ErrorKind.PROTOCOL, "update the backend", id="old"),
        pytest.param(200, b'{"protocol": 2}', ErrorKind.PROTOCOL, "update the plugin", id="new"),
        pytest.param(
            503,
            b'{"event": "error", "kind": "model", "message": "no weights"}',
            "model",
            "no weights",
            id="ours, failing",
        ),
    ],
)
def test_what_answers_there_is_told_apart(
    answering: Callable[[int, bytes], str], status: int, body: bytes, kind: str, message: str
) -> None:
    with pytest.raises(EngineError, match=message) as caught:
        Server(answering(status, body)).call("hello", {})

    assert caught.value.kind == kind


def test_nobody_there_is_said_so() -> None:
    server = Server("http://127.0.0.1:9", proxies={})

    assert not server.answers(2)
    with pytest.raises(EngineError, match="can't be reached") as caught:
        server.call("hello", {})
    assert caught.value.kind == ErrorKind.NO_SERVER


@pytest.mark.parametrize("url", ["", "gpu.example.org", "file:///etc/passwd"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(EngineError, match="give one such as"):
        Server(url)


def test_a_question_that_nobody_wants_answered_is_given_up() -> None:
    listening = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # takes connections, answers none
    try:
        with pytest.raises(EngineError) as caught:
            Server(f"http://127.0.0.1:{listening.server_port}").call("object", {}, is_cancelled=lambda: True)
        assert caught.value.kind == ErrorKind.CANCELLED
    finally:
        listening.server_close()


def test_a_full_disk_is_said_so_when_objects_come_back(url: str, raster: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="can't be written") as caught:
        Server(url, TOKEN).call("run", {"raster": str(raster), "output": str(tmp_path / "no" / "folder.gpkg"), **RUN})

    assert caught.value.kind == ErrorKind.STORAGE
