from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click_bodies import click_body, point_item
from flask.testing import FlaskClient
from people import HW, N_PEOPLE, clicks_of, interleaved

from sam_backend.masks.rle_brush import decode_brush_rle, encode_brush_rle
from sam_backend.predict.heed import heeding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts


def _region(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["results"][0]["result"][0]


def _mask(region: dict[str, Any]) -> np.ndarray:
    return decode_brush_rle(region["value"]["rle"], HW)


def _by(user: str | None, uri: str, *items: dict[str, Any], regions: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    body = click_body(uri, *items)
    body["tasks"][0]["drafts"] = [] if user is None else [{"user": user, "result": list(regions)}]
    return body


def _spot(mask: np.ndarray, wanted: bool) -> tuple[float, float]:
    """In percent, as far from the mask's edge as possible."""
    from scipy.ndimage import distance_transform_edt

    inner = np.pad(mask == wanted, 1)
    row, column = np.unravel_index(np.argmax(distance_transform_edt(inner)), inner.shape)
    return float(100 * (column - 0.5) / HW[1]), float(100 * (row - 0.5) / HW[0])


@pytest.fixture(params=["memory", "folder"])
def any_client(request: pytest.FixtureRequest, start: Callable[..., FlaskClient], tmp_path: Path) -> FlaskClient:
    return start() if request.param == "memory" else start(cache_url=f"file://{tmp_path}/cache", cache_mb=0)


def test_click_inside_the_accepted_mask_refines_it_under_its_id_with_its_logits(
    any_client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    first = _region(any_client, _by("ann", data_uri, point_item(45, 50, id="a")))
    x, y = _spot(_mask(first), True)
    second = _region(any_client, _by("ann", data_uri, point_item(x, y, id="b", is_positive=False)))
    assert second["id"] == first["id"]
    embedding = predictor.embed(picture)
    start = predictor.segment(embedding, Prompts.of(points=[(36, 30, True)]))
    points = [(36, 30, True), (x * 0.8, y * 0.6, False)]
    logits = start.low_res_logits[start.best]
    prompts = Prompts.of(points=points, mask_logits=logits)
    wanted = heeding(predictor, embedding, prompts, predictor.segment(embedding, prompts, multimask=False))
    assert (_mask(second) != wanted.masks[0]).mean() < 0.01  # float16 between the two clicks


def test_click_elsewhere_and_the_click_of_somebody_else_start_new_objects(
    any_client: FlaskClient, data_uri: str
) -> None:
    first = _region(any_client, _by("ann", data_uri, point_item(45, 50, id="a")))
    x, y = _spot(_mask(first), True)
    ids = [first["id"]] + [
        _region(any_client, _by(user, data_uri, point_item(x, y, id=f"b{user}")))["id"] for user in ("ben", None)
    ]
    far_x, far_y = _spot(_mask(first), False)
    ids.append(_region(any_client, _by("ann", data_uri, point_item(far_x, far_y, id="c")))["id"])
    assert len(set(ids)) == 4


def test_first_clicks_before_there_is_a_draft_are_known_by_the_region_in_it(client: FlaskClient, data_uri: str) -> None:
    first = _region(client, _by(None, data_uri, point_item(45, 50, id="a")))
    x, y = _spot(_mask(first), True)
    second = _region(client, _by("ann", data_uri, point_item(x, y, id="b"), regions=(first,)))
    third = _region(client, _by("ann", data_uri, point_item(x, y, id="c", is_positive=False)))
    assert first["id"] == second["id"] == third["id"]


def test_quick_second_click_refines_though_there_is_no_draft_yet(client: FlaskClient, data_uri: str) -> None:
    first = _region(client, _by(None, data_uri, point_item(45, 50, id="a")))
    x, y = _spot(_mask(first), True)
    assert _region(client, _by(None, data_uri, point_item(x, y, id="b")))["id"] == first["id"]


def test_click_in_a_box_joins_it_though_the_draft_holds_the_rectangle_alone(client: FlaskClient, data_uri: str) -> None:
    value = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["Object"]}
    box = {**point_item(0, 0), "type": "rectanglelabels", "value": value, "id": "r"}
    first = _region(client, _by(None, data_uri, box))
    second = _region(client, _by("ann", data_uri, point_item(40, 40, id="a"), regions=(box,)))
    assert second["id"] == first["id"]


def test_box_and_clicks_are_joined_though_they_come_apart(
    any_client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    value = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["Object"]}
    box = {**point_item(0, 0), "type": "rectanglelabels", "value": value, "id": "r"}
    first = _region(any_client, _by(None, data_uri, point_item(45, 50, id="a")))
    second = _region(any_client, _by("ann", data_uri, box, regions=(first,)))
    third = _region(
        any_client, _by("ann", data_uri, point_item(45, 50, id="a"), point_item(30, 30, id="n", is_positive=False))
    )
    assert first["id"] == second["id"] == third["id"]
    prompts = Prompts.of(points=[(36, 30, True), (24, 18, False)], box_xyxy=(20, 15, 60, 45))
    without_logits = predictor.segment(predictor.embed(picture), prompts, multimask=False).masks[0]
    assert _mask(third).shape == without_logits.shape


def test_click_on_the_same_spot_goes_through_the_three_readings(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    seen = predictor.segment(predictor.embed(picture), Prompts.of(points=[(4, 27, True)]))
    answers = [_region(client, _by("ann", data_uri, point_item(5, 45, id=f"{step}"))) for step in range(3)]
    assert len({answer["id"] for answer in answers}) == 1
    shown = {_mask(answer).tobytes() for answer in answers}
    assert shown == {mask.tobytes() for mask in seen.masks}
    areas = [_mask(answer).sum() for answer in answers]
    falls = [after <= before for before, after in zip(areas, areas[1:] + areas[:1], strict=True)]
    assert falls.count(False) <= 1  # back to the largest, once


def test_click_near_the_edge_but_in_a_region_of_the_draft_is_not_about_the_last(
    client: FlaskClient, data_uri: str
) -> None:
    first = _region(client, _by("ann", data_uri, point_item(45, 50, id="a")))
    mask = _mask(first)
    edge = mask[:, :-1] & ~mask[:, 1:]
    row, column = np.argwhere(edge)[0]
    spot = (100 * (column + 1.2) / HW[1], 100 * (row + 0.5) / HW[0])
    other = np.zeros(HW, bool)
    other[row, column + 1] = True
    region = {**first, "id": "other", "value": {"format": "rle", "rle": encode_brush_rle(other)}}
    far = point_item(*spot, id="b")
    beside = _by("ann", data_uri, far, regions=(first, region))
    assert _region(client, beside)["id"] != first["id"]


def test_eight_people_on_four_pictures_get_the_masks_that_each_would_get_alone(
    start: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[bytes] = []
    embed = Predictor.embed
    monkeypatch.setattr(Predictor, "embed", lambda self, image: encoded.append(image.tobytes()) or embed(self, image))

    def work(app: Any, person: int) -> dict[tuple[int, int], list[int]]:  # noqa: ANN401 - Flask's
        client = app.test_client()
        return {
            (picture, request): _region(client, clicks_of(person, picture)[request])["value"]["rle"]
            for picture, request in interleaved(person)
        }

    alone = [work(start().application, person) for person in range(N_PEOPLE)]
    encoded.clear()
    app = start().application
    with ThreadPoolExecutor(N_PEOPLE) as threads:
        together = list(threads.map(lambda person: work(app, person), range(N_PEOPLE)))
    assert together == alone
    assert len(encoded) == len(set(encoded)) == 4


def test_object_that_was_deleted_is_begun_anew(
    client: FlaskClient, data_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _region(client, _by("ann", data_uri, point_item(45, 50, id="a")))
    x, y = _spot(_mask(first), True)
    _region(client, _by("ann", data_uri, point_item(x, y, id="b", is_positive=False), regions=(first,)))
    monkeypatch.setattr("sam_backend.label_studio.own_session.SAVED_S", 0.0)
    body = _by("ann", data_uri, point_item(45, 50, id="c"))
    body["tasks"][0]["drafts"][0]["updated_at"] = datetime.now(timezone.utc).isoformat()
    again = _region(client, body)
    assert again["id"] != first["id"]
    assert (_mask(again) == _mask(first)).all()
