import http.server
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click_bodies import PICTURE_HW, click_body, point_item, recorded
from flask.testing import FlaskClient

from sam_backend.masks.rle_brush import decode_brush_rle
from sam_backend.predict.heed import heeding
from sam_backend.predict.predictor import Predictor
from sam_backend.types import MaskPrediction, Prompts


def _region(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    (result,) = answer.get_json()["results"]
    (region,) = result["result"]
    assert result["model_version"] == client.get("/health").get_json()["model_version"]
    assert result["score"] == region["score"]
    return region


def _mask(region: dict[str, Any]) -> np.ndarray:
    image_hw = (region["original_height"], region["original_width"])
    return decode_brush_rle(region["value"]["rle"], image_hw)


def _expected(predictor: Predictor, picture: np.ndarray, multimask: bool, **prompts: object) -> MaskPrediction:
    return predictor.segment(predictor.embed(picture), Prompts.of(**prompts), multimask=multimask)


def test_single_click_answers_the_best_of_three_masks(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    region = _region(client, click_body(data_uri, point_item(45, 50)))
    expected = _expected(predictor, picture, True, points=[(36, 30, True)])
    np.testing.assert_array_equal(_mask(region), expected.masks[expected.best])
    assert region["value"]["brushlabels"] == ["Object"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("tag", "image", "brushlabels")


def test_alt_click_answers_the_single_mask_or_the_reading_that_heeds_it(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    items = [point_item(45, 50, id="a"), point_item(25, 20, id="b", is_positive=False)]
    points = [(36, 30, True), (20, 12, False)]
    expected = _expected(predictor, picture, False, points=points)
    heeded = heeding(predictor, predictor.embed(picture), Prompts.of(points=points), expected)
    np.testing.assert_array_equal(_mask(_region(client, click_body(data_uri, *items))), heeded.masks[0])


def test_rectangle_answers_the_single_mask(
    client: FlaskClient, predictor: Predictor, picture: np.ndarray, data_uri: str
) -> None:
    value = {"x": 25, "y": 50, "width": 50, "height": 25, "rotation": 0, "rectanglelabels": ["Object"]}
    item = {**point_item(0, 0), "type": "rectanglelabels", "value": value}
    expected = _expected(predictor, picture, False, box_xyxy=(20, 30, 60, 45))
    np.testing.assert_array_equal(_mask(_region(client, click_body(data_uri, item))), expected.masks[0])


def test_unified_palette_answers_for_the_unlabelled_brush(client: FlaskClient, data_uri: str) -> None:
    config = (
        '<View><Labels name="label" toName="image"><Label value="Object"/></Labels><Brush name="brush" toName="image"/>'
        '<KeyPoint name="kp" toName="image" smart="true"/><Image name="image" value="$image"/></View>'
    )
    value = {"x": 50, "y": 50, "width": 0.2, "labels": ["Object"]}
    items = [point_item(0, 0, id="a", type=kind, value=value) for kind in ("keypoint", "labels")]
    region = _region(client, click_body(data_uri, *items, config=config))
    assert (region["from_name"], region["type"]) == ("brush", "brush")


def test_recorded_click_is_answered_in_the_size_the_editor_named(client: FlaskClient, data_uri: str) -> None:
    region = _region(client, click_body(data_uri))
    assert _mask(region).shape == (600, 800)


def test_recorded_local_file_is_read_from_the_mounted_folder(
    start: Callable[..., FlaskClient], png: bytes, tmp_path: Path
) -> None:
    (tmp_path / "set1").mkdir()
    (tmp_path / "set1" / "local one.jpg").write_bytes(png)
    assert _region(start(local_files_root=tmp_path), recorded("predict_local_file"))


def test_click_among_recorded_drafts_is_answered(client: FlaskClient, data_uri: str) -> None:
    body = recorded("predict_with_draft")
    body["tasks"][0]["data"]["image"] = data_uri
    assert _mask(_region(client, body)).shape == (3000, 4000)


def test_setup_names_the_label_studio_to_ask(start: Callable[..., FlaskClient], png: bytes, tmp_path: Path) -> None:
    tokens: list[str | None] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.append(self.headers.get("Authorization"))
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    body = recorded("predict_keypoint")
    picture = tmp_path / body["tasks"][0]["data"]["image"].lstrip("/")
    picture.parent.mkdir(parents=True)
    picture.write_bytes(png)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Handler(*args, directory=str(tmp_path))
    ) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        client = start()
        setup = recorded("setup") | {"hostname": f"http://127.0.0.1:{server.server_port}"}
        assert client.post("/setup", json=setup).status_code == 200
        assert _region(client, body)
        server.shutdown()
    assert tokens == ["Token <legacy-token>"]


@pytest.mark.parametrize(
    ("name", "results"),
    [
        pytest.param("predict_task_opened", [], id="task opened"),
        pytest.param("predict_batch", [[], [], []], id="batch: no prediction for each of three tasks"),
    ],
)
def test_recorded_request_without_a_click_stores_nothing(
    client: FlaskClient, name: str, results: list[list[object]]
) -> None:
    assert client.post("/predict", json=recorded(name)).get_json() == {"results": results}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda uri: click_body(uri) | {"params": {"context": {"result": []}}}, id="no prompts"),
        pytest.param(lambda uri: click_body(uri, {"type": "choices", "value": {"choices": ["a"]}}), id="unknown type"),
        pytest.param(lambda uri: click_body(uri, point_item(5, 5, is_positive=False)), id="only 'not this'"),
        pytest.param(lambda uri: click_body(uri, point_item(5, 5, to_name="other")), id="unknown object"),
        pytest.param(lambda uri: click_body(uri) | {"label_config": None}, id="no config"),
        pytest.param(
            lambda uri: click_body(uri, point_item(5, 5, value={"x": 5, "y": 5, "keypointlabels": ["Tree"]})),
            id="label of no brush",
        ),
        pytest.param(
            lambda uri: click_body(
                uri, config='<View><BrushLabels name="b" toName="image"><Label value="Object"/></BrushLabels></View>'
            ),
            id="no picture in the config",
        ),
    ],
)
def test_prompt_that_gives_no_mask_is_answered_empty_and_logged(
    client: FlaskClient, data_uri: str, caplog: pytest.LogCaptureFixture, body: Callable[[str], dict[str, Any]]
) -> None:
    answer = client.post("/predict", json=body(data_uri))
    assert (answer.status_code, answer.get_json()) == (200, {"results": [{"result": []}]})
    assert "predict_nothing task=1 reason=" in caplog.text


def test_answer_is_strict_json(client: FlaskClient, data_uri: str) -> None:
    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} isn't JSON")

    text = client.post("/predict", json=click_body(data_uri)).text
    assert json.loads(text, parse_constant=refuse)


def test_one_encode_per_picture_however_many_click_at_once(
    start: Callable[..., FlaskClient], picture: np.ndarray, data_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = start().application
    encoded: list[tuple[int, ...]] = []
    embed = Predictor.embed
    monkeypatch.setattr(Predictor, "embed", lambda self, image: encoded.append(image.shape) or embed(self, image))

    def body_of(person: str, index: int) -> dict[str, Any]:
        body = click_body(data_uri, point_item(10 * index, 50))
        body["tasks"][0]["drafts"] = [{"user": f"{person}{index}", "result": []}]
        return body

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda n: _mask(_region(app.test_client(), body_of("together", n))), range(8)))
    assert encoded == [picture.shape]
    for index, mask in enumerate(together):
        np.testing.assert_array_equal(mask, _mask(_region(app.test_client(), body_of("alone", index))))


def test_log_tells_what_happened_and_nothing_private(
    client: FlaskClient, data_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sam_backend")
    region = _region(client, click_body(data_uri, point_item(50, 50)))
    (line,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("predict ")]
    assert line.startswith("predict task=1 points=1 box=false score=")
    assert "\n" not in line
    assert data_uri[30:60] not in caplog.text
    assert str(region["value"]["rle"][:5])[1:-1] not in caplog.text


def test_mask_size_is_that_of_the_picture_if_none_was_named(client: FlaskClient, data_uri: str) -> None:
    item = point_item(50, 50, original_width=None)
    assert _mask(_region(client, click_body(data_uri, item))).shape == PICTURE_HW
