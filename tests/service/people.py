"""Simulated annotators: what each of them sends, and what each should see."""

import base64
import io
from typing import Any

import numpy as np
from click_bodies import click_body, point_item
from PIL import Image

N_PEOPLE = 8
N_PICTURES = 4
HW = (60, 80)


def picture_png(number: int, image_hw: tuple[int, int] = HW) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (*image_hw, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def data_uri(number: int, image_hw: tuple[int, int] = HW) -> str:
    return "data:image/png;base64," + base64.b64encode(picture_png(number, image_hw)).decode()


def clicks_of(person: int, picture: int) -> list[dict[str, Any]]:
    """Three requests on one picture: a click, the same with a second one, and with an Alt-click."""
    random = np.random.default_rng([person, picture])
    spots = random.uniform(10, 90, (3, 2)).round(2).tolist()
    items = [
        point_item(x, y, id=f"{person}-{picture}-{number}", is_positive=number < 2)
        for number, (x, y) in enumerate(spots)
    ]
    return [_body(person, picture, items[: number + 1]) for number in range(3)]


def _body(person: int, picture: int, items: list[dict[str, Any]]) -> dict[str, Any]:
    body = click_body(data_uri(picture), *items)
    body["tasks"][0] |= {"id": picture, "drafts": [{"user": f"{person}@example.org", "result": []}]}
    return body


def interleaved(person: int) -> list[tuple[int, int]]:
    """The order in which a person sends (picture, request): all pictures' first clicks, then all second ones."""
    pictures = np.random.default_rng(person).permutation(N_PICTURES).tolist()
    return [(picture, request) for request in range(3) for picture in pictures]
