"""Contract 23: whatever way a camera held the picture, the mask lies where the browser shows the object."""

import base64
import io
import itertools

import numpy as np
import pytest
from click_bodies import click_body, point_item
from flask.testing import FlaskClient
from PIL import Image

TASK_IDS = itertools.count(1)
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,  # shown turned clockwise, so stored turned the other way
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="module")
def upright() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    pixels[10:30, 50:70] = 255
    return Image.fromarray(pixels)


def _uri(picture: Image.Image, orientation: int) -> str:
    transpose = STORED_AS[orientation]
    stored = picture if transpose is None else picture.transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored.save(file, "PNG", exif=exif)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _region(client: FlaskClient, uri: str, **item: object) -> dict[str, object]:
    body = click_body(uri, point_item(75, 33, **item))
    body["tasks"][0]["id"] = next(TASK_IDS)  # a second click on the same spot of a task would mean a part
    answer = client.post("/predict", json=body)
    region: dict[str, object] = answer.get_json()["results"][0]["result"][0]
    return region


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_mask_of_the_upright_picture(
    client: FlaskClient, upright: Image.Image, orientation: int
) -> None:
    region = _region(client, _uri(upright, orientation))
    assert region["value"] == _region(client, _uri(upright, 1))["value"]
    assert (region["original_width"], region["original_height"]) == (80, 60)


def test_mask_has_the_size_that_label_studio_knows_where_the_file_has_another(
    client: FlaskClient, upright: Image.Image
) -> None:
    region = _region(client, _uri(upright, 1), original_width=160, original_height=120)
    assert (region["original_width"], region["original_height"]) == (160, 120)
    assert region["value"]["rle"] != _region(client, _uri(upright, 1))["value"]["rle"]  # type: ignore[index]
