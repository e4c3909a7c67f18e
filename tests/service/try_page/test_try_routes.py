import hashlib
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from werkzeug.test import TestResponse

from sam_backend.errors import RequestError
from sam_backend.masks.rle_coco import area_px, bbox_xywh, decode_coco_rle
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor
from sam_backend.service.app import create_app
from sam_backend.service.encode_desk import EncodeDesk
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.patience import Patience
from sam_backend.service.try_page.low_res_png import decode_low_res
from sam_backend.service.try_page.pictures import PictureForgottenError, Pictures
from sam_backend.settings import Settings
from sam_backend.types import Prompts

CLICK = {"points": [[36, 30]], "labels": [1]}
MASK_KEYS = {"kind", "segmentation", "area", "bbox", "predicted_iou", "low_res"}


def _send(client: FlaskClient, data: bytes, kind: str = "image/png") -> TestResponse:
    return client.post("/try/pictures", data=data, content_type=kind)


def _ask(client: FlaskClient, picture_id: str, body: object) -> TestResponse:
    """As Python writes JSON, with NaN and Infinity: others may do so too."""
    return client.post(
        f"/try/pictures/{picture_id}/masks", data=json.dumps(body), content_type="application/json; charset=utf-8"
    )


def _masks(client: FlaskClient, png: bytes, body: object) -> dict[str, Any]:
    answer = _ask(client, _send(client, png).get_json()["id"], body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def _assert_masks(answered: list[dict[str, Any]], expected: np.ndarray) -> None:
    assert len(answered) == len(expected)
    for one, mask in zip(answered, expected, strict=True):
        assert one.keys() == MASK_KEYS
        np.testing.assert_array_equal(decode_coco_rle(one["segmentation"]), mask)
        assert one["area"] == area_px(one["segmentation"]) == mask.sum()
        assert tuple(one["bbox"]) == bbox_xywh(one["segmentation"])


def test_picture_is_known_by_its_content(client: FlaskClient, png: bytes) -> None:
    first = _send(client, png)
    assert first.status_code == 200
    assert first.get_json().items() >= {"width": 80, "height": 60}.items()
    assert _send(client, png, "image/x-whatever").get_json() == first.get_json()


def test_click_answers_the_three_masks(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, png: bytes
) -> None:
    answer = _masks(client, png, CLICK)
    expected = predictor.segment(predictor.embed(picture), Prompts.of(points=[(36, 30, True)]))
    _assert_masks(answer["masks"], expected.masks)
    assert [mask["kind"] for mask in answer["masks"]] == ["reading"] * 3
    assert answer["best"] == expected.best
    scores = [mask["predicted_iou"] for mask in answer["masks"]]
    np.testing.assert_allclose(scores, expected.predicted_iou, rtol=1e-6)


def test_box_answers_what_is_meant_before_the_three(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, png: bytes
) -> None:
    answer = _masks(client, png, {"box": [20, 10, 60, 45]})
    embedding, prompts = predictor.embed(picture), Prompts.of(box_xyxy=(20, 10, 60, 45))
    meant, readings = (predictor.segment(embedding, prompts, multimask=multimask) for multimask in (False, True))
    _assert_masks(answer["masks"], np.concatenate([meant.masks, readings.masks]))
    assert [mask["kind"] for mask in answer["masks"]] == ["refined", "reading", "reading", "reading"]
    assert answer["best"] == 0


def test_previous_mask_is_refined(client: FlaskClient, predictor: Predictor, picture: np.ndarray, png: bytes) -> None:
    first = _masks(client, png, CLICK)
    low_res = first["masks"][first["best"]]["low_res"]
    body = {"points": [[36, 30], [5, 5]], "labels": [1, 0], "previous": low_res}
    prompts = Prompts.of(points=[(36, 30, True), (5, 5, False)], mask_logits=decode_low_res(low_res))
    expected = predictor.segment(predictor.embed(picture), prompts, multimask=False)
    _assert_masks(_masks(client, png, body)["masks"][:1], expected.masks)


def test_picture_is_encoded_once_for_the_page_and_for_all_clicks(
    client: FlaskClient, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[tuple[int, ...]] = []
    embed = Predictor.embed

    def counting(self: Predictor, image: np.ndarray) -> object:
        encoded.append(image.shape)
        return embed(self, image)

    monkeypatch.setattr(Predictor, "embed", counting)
    with ThreadPoolExecutor(4) as pool:
        ids = {answer.get_json()["id"] for answer in pool.map(lambda _: _send(client, png), range(4))}
    (picture_id,) = ids
    for _ in range(2):
        assert _ask(client, picture_id, CLICK).status_code == 200
    assert encoded == [(60, 80, 3)]


def test_upright_size_is_told_of_a_turned_photo(client: FlaskClient, picture: np.ndarray) -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).save(file, "JPEG", exif=exif)
    answer = _send(client, file.getvalue(), "image/jpeg").get_json()
    assert (answer["width"], answer["height"]) == (60, 80)


@pytest.mark.parametrize("cache_mb", [pytest.param(512, id="another service"), pytest.param(0, id="nothing kept")])
def test_forgotten_picture_is_told_by_a_code(start: Callable[..., FlaskClient], png: bytes, cache_mb: int) -> None:
    client = start(cache_mb=cache_mb)
    picture_id = "0" * 64 if cache_mb else _send(client, png).get_json()["id"]
    answer = _ask(client, picture_id, CLICK)
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "picture-forgotten"
    assert "send it again" in answer.get_json()["error"]


def test_click_that_asks_too_early_is_told_so_and_spoils_nothing(predictor: Predictor, png: bytes) -> None:
    cache: EmbeddingCache[Embedding] = EmbeddingCache(capacity_bytes=10**9)
    desk = EncodeDesk(EmbeddingLibrary(cache, None), EncodeLanes(), lambda _: None)
    pictures, picture_id = Pictures(desk=desk, max_pixels=10**6), hashlib.sha256(png).hexdigest()
    with pytest.raises(PictureForgottenError):
        pictures.get(predictor, picture_id)
    assert pictures.add(predictor, png, Patience.of_person(600))[0] == picture_id
    assert pictures.get(predictor, picture_id).image_hw == (60, 80)


@pytest.mark.parametrize(
    ("settings_", "data", "kind", "status", "message"),
    [
        pytest.param({}, b"x", "text/plain", 415, "image/*, as in image/png, was wanted, got text/plain", id="a text"),
        pytest.param({}, b"x", "", 415, "got none", id="no type"),
        pytest.param({}, b"", "image/png", 422, "no picture that can be read", id="empty"),
        pytest.param({}, b"<svg/>", "image/svg+xml", 422, "no picture that can be read", id="SVG"),
        pytest.param(
            {"max_picture_mb": 1}, b"x" * 1_000_001, "image/png", 413, "more than the 1 MB allowed", id="bytes"
        ),
        pytest.param({"max_megapixels": 1}, None, "image/png", 422, "more than the 1 megapixels allowed", id="pixels"),
    ],
)
def test_picture_that_is_none_or_too_large_gets_one_sentence(
    start: Callable[..., FlaskClient],
    settings_: dict[str, int],
    data: bytes | None,
    kind: str,
    status: int,
    message: str,
) -> None:
    if data is None:
        file = io.BytesIO()
        Image.new("1", (2000, 1000)).save(file, "PNG")
        data = file.getvalue()
    answer = _send(start(**settings_), data, kind)
    assert answer.status_code == status
    assert message in answer.get_json()["error"]


def test_body_of_unknown_length_is_measured_too(start: Callable[..., FlaskClient]) -> None:
    answer = start(max_picture_mb=1).post(
        "/try/pictures",
        input_stream=io.BytesIO(b"x" * 1_000_001),
        content_type="image/png",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        pytest.param({"points": [[81, 3]], "labels": [1]}, 400, "outside the picture, which is 80 x 60", id="outside"),
        pytest.param({"points": [[1, 3]] * 101, "labels": [1] * 101}, 400, "100 points, got 101", id="too many"),
        pytest.param({}, 400, "no prompt came", id="nothing"),
    ],
)
def test_click_that_makes_no_sense_gets_one_sentence(
    client: FlaskClient, png: bytes, body: object, status: int, message: str
) -> None:
    answer = _ask(client, _send(client, png).get_json()["id"], body)
    assert answer.status_code == status
    assert message in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"{}", "text/plain", 415, id="another site's form"),
        pytest.param(b"{", "application/json", 400, id="cut off"),
        pytest.param(b"[" * 200_000, "application/json", 400, id="nested deeply"),
        pytest.param(b"\xff", "application/json", 400, id="no text"),
        pytest.param(b" " * 1_000_001, "application/json", 413, id="too long"),
    ],
)
def test_body_of_a_click_is_checked_before_anything_else(
    client: FlaskClient, content: bytes, kind: str, status: int
) -> None:
    answer = client.post(f"/try/pictures/{'0' * 64}/masks", data=content, content_type=kind)
    assert answer.status_code == status
    assert answer.get_json()["error"]


@pytest.mark.parametrize("picture_id", ["x", "0" * 63, "A" * 64, "..%2f..%2fetc"])
def test_what_is_no_id_is_no_picture(client: FlaskClient, picture_id: str) -> None:
    assert _ask(client, picture_id, CLICK).status_code in (400, 404)


def test_id_is_checked_before_it_is_read(predictor: Predictor) -> None:
    desk = EncodeDesk(EmbeddingLibrary(EmbeddingCache(1), None), EncodeLanes(), lambda _: None)
    with pytest.raises(RequestError, match="64 digits"):
        Pictures(desk, max_pixels=1).get(predictor, "0" * 62 + "\n")


def test_page_is_told_the_model_and_the_limits(start: Callable[..., FlaskClient]) -> None:
    about = start(max_picture_mb=7, max_megapixels=200).get("/try/about").get_json()
    assert about["model"]["name"] == "tiny"
    assert about["limits"]["max_bytes"] == 7_000_000
    assert about["limits"]["max_pixels"] == 50_000_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
coordinates = st.floats(-5, 90) | st.integers(-(10**30), 10**30)
mask_bodies = st.fixed_dictionaries(
    {},
    optional={
        "points": st.lists(st.lists(coordinates, min_size=2, max_size=2), max_size=3) | json_values,
        "labels": st.lists(st.integers(0, 1) | st.booleans(), max_size=3) | json_values,
        "box": st.lists(coordinates, min_size=4, max_size=4) | json_values,
        "previous": st.text(max_size=20) | json_values,
    },
)


@pytest.fixture(scope="module")
def shared_client(checkpoint: Path) -> FlaskClient:
    return create_app(Settings(model=str(checkpoint), device="cpu", max_megapixels=1)).test_client()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(mask_bodies | json_values)
def test_no_body_of_a_click_is_ever_a_fault(shared_client: FlaskClient, png: bytes, body: object) -> None:
    picture_id = _send(shared_client, png).get_json()["id"]
    answer = _ask(shared_client, picture_id, body)
    assert answer.status_code in (200, 400)
    assert ("masks" if answer.status_code == 200 else "error") in answer.get_json()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)
@given(
    st.sampled_from(["pictures", f"pictures/{'0' * 64}/masks", "pictures/x/masks", "about", "", "page.js", "nothing"]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    st.binary(max_size=60),
    st.sampled_from(["image/png", "application/json", "multipart/form-data", ";;", ""]),
)
def test_no_request_below_the_page_is_ever_a_fault(
    shared_client: FlaskClient, path: str, method: str, content: bytes, kind: str
) -> None:
    answer = shared_client.open(f"/try/{path}", method=method, data=content, content_type=kind)
    assert answer.status_code < 500


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=30))
def test_no_damaged_picture_is_ever_a_fault(shared_client: FlaskClient, png: bytes, at: int, noise: bytes) -> None:
    damaged = png[:at] + noise + png[at + len(noise) :]
    assert _send(shared_client, damaged).status_code in (200, 422)
