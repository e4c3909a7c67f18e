"""The service under a real gunicorn: how it ends, what its workers share, what its log holds."""

import base64
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from click_bodies import click_body, point_item
from gunicorn_process import END_S, running_gunicorn
from people import data_uri
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "the-token-of-the-service"  # noqa: S105 - of this test
API_KEY = "0123456789abcdef0123456789abcdef01234567"
SIGNATURE = "c2lnbmF0dXJlLW9mLXNvbWVib2R5"
CLICK = point_item(45, 50)


def _slow_picture_uri(number: int) -> str:
    """4 megapixels: decoding and shrinking it takes a while."""
    file = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (250, 250, 3), np.uint8)
    Image.fromarray(pixels).resize((2000, 2000)).save(file, "JPEG", quality=60)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _click(url: str, uri: str) -> dict[str, Any]:
    answer = requests.post(f"{url}/predict", json=click_body(uri, CLICK), timeout=100)
    answer.raise_for_status()
    return dict(answer.json()["results"][0])


class _ClickOnItsWay:
    """A click that the service has got but for its last byte."""

    def __init__(self, port: int, uri: str) -> None:
        body = json.dumps(click_body(uri, CLICK)).encode()
        self._connection = HTTPConnection("127.0.0.1", port, timeout=100)
        self._connection.request("POST", "/predict", body[:-1], self._headers(len(body)))
        self._last_byte = body[-1:]

    @staticmethod
    def _headers(n_bytes: int) -> dict[str, str]:
        return {"Content-Type": "application/json", "Content-Length": str(n_bytes)}

    def mask(self) -> list[dict[str, Any]]:
        """The regions in the answer, once the rest has been sent."""
        self._connection.send(self._last_byte)
        with closing(self._connection):
            answer = json.load(self._connection.getresponse())
        return list(answer["results"][0]["result"])


def _wait_until_refused(port: int) -> None:
    until_s = time.monotonic() + END_S
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("the door stayed open")


def test_sigterm_under_load_loses_no_click_and_refuses_new_ones_at_once(checkpoint: Path, tmp_path: Path) -> None:
    n_clicks = 6
    uris = [_slow_picture_uri(number) for number in range(n_clicks)]
    with running_gunicorn(checkpoint, tmp_path) as service, ThreadPoolExecutor(n_clicks) as threads:
        first, *others = threads.map(partial(_ClickOnItsWay, service.port), uris)
        first_mask = threads.submit(first.mask)
        service.wait_until_logged("encoding picture=")
        service.process.terminate()
        _wait_until_refused(service.port)
        assert service.process.poll() is None
        assert all(threads.map(_ClickOnItsWay.mask, others))
        assert first_mask.result(60)
        assert service.process.wait(60) == 0
    assert service.log.count("encoding picture=") == n_clicks


def test_workers_put_their_figures_together_and_say_that_they_share_nothing_else(
    checkpoint: Path, tmp_path: Path
) -> None:
    with running_gunicorn(checkpoint, tmp_path, SAM_WORKERS="2") as service:
        assert "2 workers share neither embeddings nor" in service.log
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: _click(service.url, data_uri(1)), range(12)))
        for _ in range(6):  # whichever worker is asked
            families = text_string_to_metric_families(requests.get(f"{service.url}/metrics", timeout=60).text)
            samples = [sample for family in families for sample in family.samples]
            clicks = sum(sample.value for sample in samples if sample.name == "sam_backend_click_seconds_count")
            assert clicks == 12
            assert sum(sample.name == "sam_backend_model_ready" for sample in samples) == 1


class _PictureHost(BaseHTTPRequestHandler):
    """Gives nothing to anybody."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_log_holds_no_token_signature_or_picture_wherever_they_came_from(
    checkpoint: Path, tmp_path: Path, log_format: str
) -> None:
    host = ThreadingHTTPServer(("127.0.0.1", 0), _PictureHost)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    settings = {
        "SAM_LOG_FORMAT": log_format,
        "SAM_API_TOKEN": TOKEN,
        "LABEL_STUDIO_URL": f"http://127.0.0.1:{host.server_port}",
        "LABEL_STUDIO_API_KEY": API_KEY,
        "SAM_ALLOWED_HOSTS": "127.0.0.1",
    }
    try:
        with running_gunicorn(checkpoint, tmp_path, **settings) as service:
            session = requests.Session()
            session.headers["Authorization"] = f"Bearer {TOKEN}"
            place = f"127.0.0.1:{host.server_port}"
            for uri in (
                f"http://{place}/a.png?X-Amz-Signature={SIGNATURE}",
                f"http://me:{SIGNATURE}@{place}/a.png",
                f"/data/upload/1/a.png?token={SIGNATURE}",
                f"data:image/png;base64,{SIGNATURE}",
                data_uri(1),
            ):
                session.post(f"{service.url}/predict", json=click_body(uri, CLICK), timeout=60)
            session.get(f"{service.url}/nowhere?token={TOKEN}", timeout=60)
            session.post(f"{service.url}/setup", data=TOKEN, timeout=60)
            requests.get(f"{service.url}/?token={TOKEN}", timeout=60)
            requests.get(service.url, headers={"Authorization": f"Basic {TOKEN}"}, timeout=60)
    finally:
        host.shutdown()
        host.server_close()
    log = service.log
    assert log.count("request_failed") >= 5
    assert log.count("not_authorized") == 2
    for secret in (TOKEN, API_KEY, SIGNATURE, data_uri(1)[40:80]):
        assert secret not in log
    if log_format == "json":
        lines = [json.loads(line) for line in log.splitlines()]
        assert {"predict", "request_failed", "model_ready"} <= {line.get("event") for line in lines}
        assert any("Booting worker" in line.get("message", "") for line in lines)
