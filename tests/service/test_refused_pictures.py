"""What must not be fetched or decoded is refused with a sentence that says what to do, and the page shows it."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from click_bodies import click_body, recorded
from flask.testing import FlaskClient
from PIL import Image


def _png(width: int, height: int, keep: float = 1) -> str:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    data = file.getvalue()
    return "data:image/png;base64," + base64.b64encode(data[: int(keep * len(data))]).decode()


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # Pillow warns from 89 megapixels on
@pytest.mark.parametrize(
    ("uri", "status", "message"),
    [
        pytest.param(_png(10_000, 10_000), 422, "more than the 80 megapixels allowed", id="100 megapixels"),
        pytest.param(_png(80, 60, keep=0.6), 422, "damaged", id="truncated"),
        pytest.param("file:///etc/passwd", 502, "aren't fetched: give http", id="file"),
        pytest.param("/data/local-files/?d=../secret.png", 502, "outside the document root", id="dots"),
        pytest.param("http://127.0.0.1:22/a.png", 502, "private address", id="loopback"),
        pytest.param("http://[::ffff:10.0.0.1]/a.png", 502, "private address", id="private, wrapped"),
        pytest.param("http://169.254.169.254/latest/meta-data/", 502, "metadata address", id="metadata"),
        pytest.param("s3://bucket/a.png", 502, "set LABEL_STUDIO_URL", id="cloud without Label Studio"),
    ],
)
def test_picture_that_must_not_be_had_is_refused_with_a_sentence_that_the_page_shows(
    start: Callable[..., FlaskClient], tmp_path: Path, uri: str, status: int, message: str
) -> None:
    client = start(local_files_root=tmp_path)
    answer = client.post("/predict", json=click_body(uri))
    assert answer.status_code == status
    assert message in answer.get_json()["error"]
    assert client.get("/").get_json()["last_errors"][0]["message"] == answer.get_json()["error"]


def test_setup_does_not_open_a_metadata_service(client: FlaskClient) -> None:
    client.post("/setup", json=recorded("setup") | {"hostname": "http://169.254.169.254"})
    body = click_body("/latest/meta-data/") | {"project": recorded("setup")["project"]}
    answer = client.post("/predict", json=body)
    assert (answer.status_code, "metadata address" in answer.get_json()["error"]) == (502, True)
