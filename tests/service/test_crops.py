"""Parts of pictures that are looked at enlarged."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click_bodies import click_body, point_item
from flask.testing import FlaskClient

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.predictor import Predictor
from sam_backend.predict.zoom import Crop
from sam_backend.service import clicks


def test_parts_take_no_room_of_the_pictures_that_are_shared_and_are_kept_for_the_next_click(
    start: Callable[..., FlaskClient], data_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = list[Embedding]()

    def look_again(*_: object, embed_crop: Callable[[Crop], Embedding]) -> None:
        crops.append(embed_crop(Crop(0, 0, 20, 20)))

    encoded, embed = list[tuple[int, ...]](), Predictor.embed
    monkeypatch.setattr(Predictor, "embed", lambda self, image: encoded.append(image.shape) or embed(self, image))
    monkeypatch.setattr(clicks, "second_look", look_again)
    client = start(cache_url=f"file://{tmp_path}/cache", cache_mb=8)
    for number in range(2):
        body = click_body(data_uri, point_item(20 + 50 * number, 30, id=str(number)))
        assert client.post("/predict", json=body).get_json()["results"][0]["result"]
    assert crops[0] is crops[1]
    assert encoded == [(60, 80, 3), (20, 20, 3)]
    assert [b"embedding/" in file.read_bytes() for file in (tmp_path / "cache/values").iterdir()].count(True) == 1
