"""Every prompt that the editor can send, every shape that a config can ask for, through /predict."""

import itertools
import json
import string
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click_bodies import click_body, point_item, recorded
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sam_backend.label_studio.command import HELP_TEXT
from sam_backend.service.app import create_app
from sam_backend.settings import Settings

PROMPTS = (
    '<KeyPointLabels name="tag2" toName="image"><Label value="Object"/><Label value="Tree"/></KeyPointLabels>'
    '<Image name="image" value="$image"/>'
)
BAR = '<TextArea name="sam" toName="image"/>'
TASK_IDS = itertools.count(1)
TAGS = ("Polygon", "Bitmask", "Brush", "Vector", "Ellipse", "Rectangle")


def _output(tag: str, name: str = "out", label: str = "Object", options: str = "") -> str:
    return f'<{tag}Labels name="{name}" toName="image" {options}><Label value="{label}"/></{tag}Labels>'


def _config(*tags: str) -> str:
    return f"<View>{PROMPTS}{''.join(tags)}</View>"


def _rectangle(x: float, y: float, width: float, height: float, **item: object) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": ["Object"]}
    return {**point_item(0, 0), "type": "rectanglelabels", "from_name": "tag3", "value": value, **item}


def _text(text: str, name: str = "sam") -> dict[str, Any]:
    return {"type": "textarea", "from_name": name, "to_name": "image", "value": {"text": ["earlier", text]}}


def _regions(client: FlaskClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer to a click on a task that nobody has clicked on before."""
    body["tasks"][0]["id"] = next(TASK_IDS)
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    (result,) = answer.get_json()["results"]
    return result["result"]


def _message(client: FlaskClient, body: dict[str, Any]) -> str:
    (region,) = _regions(client, body)
    assert (region["type"], region["from_name"], region["to_name"]) == ("textarea", "sam", "image")
    (text,) = region["value"]["text"]
    return text


@pytest.mark.parametrize("tag", TAGS)
def test_answer_has_the_shape_that_the_config_asks_for(client: FlaskClient, data_uri: str, tag: str) -> None:
    found = _regions(client, click_body(data_uri, config=_config(_output(tag))))
    assert found
    for region in found:
        assert (region["type"], region["from_name"]) == (f"{tag.lower()}labels", "out")
        assert region["value"][region["type"]] == ["Object"]


def test_marked_tags_answer_together(client: FlaskClient, data_uri: str) -> None:
    marked = [_output(tag, tag, options='model_output="true"') for tag in ("Rectangle", "Brush")]
    found = _regions(client, click_body(data_uri, config=_config(_output("Polygon"), *marked)))
    assert [region["from_name"] for region in found] == ["Rectangle", "Brush"]


def test_label_that_only_the_second_tag_lists_is_answered_by_the_second(client: FlaskClient, data_uri: str) -> None:
    config = _config(_output("Brush", "first", "Tree"), _output("Brush", "second", "Object"))
    (region,) = _regions(client, click_body(data_uri, config=config))
    assert (region["from_name"], region["value"]["brushlabels"]) == ("second", ["Object"])


def test_each_of_several_rectangles_gets_its_object(client: FlaskClient, data_uri: str) -> None:
    items = [_rectangle(10, 10, 30, 40, id="a"), _rectangle(50, 50, 40, 40, id="b")]
    together = _regions(client, click_body(data_uri, *items))
    alone = [_regions(client, click_body(data_uri, item))[0] for item in items]
    assert [region["value"] for region in together] == [region["value"] for region in alone]
    assert together[0]["id"] != together[1]["id"]


def test_turned_rectangle_is_prompted_as_the_box_around_it(client: FlaskClient, data_uri: str) -> None:
    turned, upright = _rectangle(60, 20, 30, 40), _rectangle(20, 20, 40, 40)  # 24 x 24 px of 80 x 60, by a quarter
    turned["value"]["rotation"] = 90
    upright["value"] |= {"x": 30, "y": 20, "width": 30, "height": 40}
    found, expected = (_regions(client, click_body(data_uri, item))[0]["value"] for item in (turned, upright))
    assert found == expected


def test_picture_of_a_list_and_turned_view_are_echoed(client: FlaskClient, data_uri: str) -> None:
    config = _config(_output("Polygon")).replace('value="$image"', 'valueList="$image"')
    body = click_body(data_uri, point_item(50, 50, item_index=1, image_rotation=90), config=config)
    body["tasks"][0]["data"]["image"] = ["/nowhere.png", data_uri]
    for region in _regions(client, body):
        assert (region["item_index"], region["image_rotation"]) == (1, 90)


@pytest.mark.parametrize(
    "other",
    [
        {"type": "brushlabels", "value": {"format": "rle", "rle": [0, 1]}},
        {"type": "brush", "value": {}},
        {"type": "polygonlabels", "value": {"points": [[1, 1]], "polygonlabels": ["Object"]}},
        {"type": "ellipselabels", "value": {"x": 1, "y": 1, "radiusX": 1, "radiusY": 1}},
        {"type": "choices", "value": {"choices": ["part"]}},
        {"type": "labels", "value": {"labels": ["Object"]}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
        {"type": "number", "value": {"number": 3}},
        {},
    ],
    ids=lambda item: item.get("type", "none"),
)
def test_region_of_another_type_changes_nothing(client: FlaskClient, data_uri: str, other: dict[str, Any]) -> None:
    point = point_item(50, 50, id="p")
    alone = _regions(client, click_body(data_uri, point))
    beside = _regions(client, click_body(data_uri, {"to_name": "image", "id": "o", **other}, point))
    assert [region["value"] for region in beside] == [region["value"] for region in alone]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("help", HELP_TEXT, id="help"),
        pytest.param("red circle", f"'red circle' is no command, type help; {HELP_TEXT}", id="no command"),
    ],
)
def test_command_is_answered_in_the_text_area(client: FlaskClient, data_uri: str, text: str, message: str) -> None:
    assert _message(client, click_body(data_uri, _text(text), config=_config(_output("Brush"), BAR))) == message


def test_caption_of_the_annotator_is_left_alone(client: FlaskClient, data_uri: str) -> None:
    config = _config(_output("Brush"), '<TextArea name="caption" toName="image"/>')
    assert _regions(client, click_body(data_uri, _text("a red car", "caption"), config=config)) == []


@pytest.mark.parametrize(
    ("item", "uri", "options", "message"),
    [
        pytest.param(point_item(5, 5, is_positive=False), None, "", "the prompts name no object", id="only 'not this'"),
        pytest.param(point_item(5, 5), "/data/upload/1/a.png", "", "LABEL_STUDIO_URL", id="picture out of reach"),
        pytest.param(point_item(5, 5), "data:image/png;base64,AAAA", "", "no picture", id="no picture"),
        pytest.param(point_item(5, 5), None, 'model_holes="odd"', "has model_holes='odd' in the tag", id="bad option"),
        pytest.param(point_item(5, 5), None, 'model_score_threshold="1"', "no object there", id="too unsure"),
        pytest.param(
            point_item(5, 5, value={"x": 5, "y": 5, "keypointlabels": ["Tree"]}),
            None,
            "",
            "'Tree'",
            id="label of no tag",
        ),
    ],
)
def test_what_went_wrong_is_read_in_the_text_area(
    client: FlaskClient, data_uri: str, item: dict[str, Any], uri: str | None, options: str, message: str
) -> None:
    config = _config(_output("Brush", options=options), BAR)
    text = _message(client, click_body(uri or data_uri, item, config=config))
    assert message in text
    assert "\n" not in text


def test_drafts_of_seven_megabytes_are_read_fast_and_not_logged(
    client: FlaskClient, data_uri: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    drafts = [
        {"value": {"format": "rle", "rle": rng.integers(0, 256, 20_000).tolist()}, "type": "brushlabels"}
        for _ in range(80)
    ]
    body = click_body(data_uri, {"type": "choices", "to_name": "image"})
    body["tasks"][0]["drafts"] = [{"id": 1, "result": drafts}]
    content = json.dumps(body).encode()
    assert len(content) > 7e6
    caplog.set_level("DEBUG")
    times_s, standard_s = [], []
    for _ in range(5):
        started_s = time.thread_time()
        assert client.post("/predict", data=content, content_type="application/json").status_code == 200
        times_s.append(time.thread_time() - started_s)
        started_s = time.thread_time()
        json.loads(content)
        standard_s.append(time.thread_time() - started_s)
    assert min(times_s) < min(standard_s)  # a ratio: a busy machine is slow at both
    assert str(drafts[0]["value"]["rle"][:4])[1:-1] not in caplog.text + "".join(capsys.readouterr())


class TestBugsOfTheOfficialExamples:
    """Read in label-studio-ml-backend's segment_anything examples."""

    def test_click_without_polarity_is_positive(self, client: FlaskClient, data_uri: str) -> None:
        absent, positive = (
            _regions(client, click_body(data_uri, point_item(50, 50, **more))) for more in ({}, {"is_positive": True})
        )
        assert [region["value"] for region in absent] == [region["value"] for region in positive]

    def test_ids_are_long_enough_never_to_meet(self, client: FlaskClient, data_uri: str) -> None:
        (region,) = _regions(client, click_body(data_uri))
        assert len(set(string.ascii_letters + string.digits)) ** len(region["id"]) > 2**59

    def test_config_without_brush_labels_is_served(self, client: FlaskClient, data_uri: str) -> None:
        assert client.post("/setup", json=recorded("setup") | {"schema": _config(BAR)}).status_code == 200
        assert _regions(client, click_body(data_uri, config=_config())) == []

    def test_interactive_answer_always_has_one_entry(self, client: FlaskClient, data_uri: str) -> None:
        body = click_body(data_uri) | {"params": {"context": {"result": []}}}
        assert client.post("/predict", json=body).get_json() == {"results": [{"result": []}]}

    def test_prompts_are_not_printed(
        self, client: FlaskClient, data_uri: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _regions(client, click_body(data_uri, point_item(47.125, 50)))
        assert "47.125" not in "".join(capsys.readouterr())


tags = st.sampled_from([*TAGS, "TextArea", "Labels", "Choices", "KeyPoint"])
attributes = st.dictionaries(
    st.sampled_from(["model_output", "model_holes", "model_parts", "model_rotated", "model_simplify_px", "perRegion"]),
    st.sampled_from(["true", "false", "cut", "largest", "2", "-1", "nan", "", "é"]),
    max_size=2,
)
elements = st.builds(
    lambda tag, suffix, name, given, labels: (
        f'<{tag}{suffix} name="{name}" toName="image" '
        + " ".join(f'{key}="{value}"' for key, value in given.items())
        + ">"
        + "".join(f'<Label value="{label}" predicted_values="Tree"/>' for label in labels)
        + f"</{tag}{suffix}>"
    ),
    tags,
    st.sampled_from(["", "Labels"]),
    st.sampled_from(["a", "b", "sam"]),
    attributes,
    st.lists(st.sampled_from(["Object", "Car"]), max_size=2),
)
items = st.one_of(
    st.builds(
        point_item, st.floats(-5, 105), st.floats(-5, 105), is_positive=st.sampled_from([True, False, None, "x"])
    ),
    st.builds(_rectangle, *[st.floats(-20, 120)] * 4),
    st.builds(_text, st.text(max_size=9) | st.sampled_from(["help", "part"]), st.sampled_from(["sam", "a"])),
    st.builds(lambda kind, value: {"type": kind, "value": value, "to_name": "image"}, st.text(), st.none() | st.text()),
)


@pytest.fixture(scope="module")
def shared_client(checkpoint: Path) -> FlaskClient:
    return create_app(Settings(model=str(checkpoint), device="cpu", max_megapixels=1)).test_client()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.lists(elements, max_size=4), st.lists(items, min_size=1, max_size=4))
def test_no_config_and_no_prompts_together_are_ever_a_fault(
    shared_client: FlaskClient, data_uri: str, outputs: list[str], prompts: list[dict[str, Any]]
) -> None:
    body = click_body(data_uri, *prompts, config=_config(*outputs))
    answer = shared_client.post("/predict", data=json.dumps(body), content_type="application/json")
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        (result,) = answer.get_json()["results"]
        assert all(region["from_name"] in ("out", "a", "b", "sam") for region in result["result"])
    else:
        assert "Traceback" not in answer.text


def test_click_that_ends_in_nothing_is_remembered_for_the_status_page(client: FlaskClient, data_uri: str) -> None:
    assert _regions(client, click_body(data_uri, point_item(5, 5, is_positive=False))) == []
    status = client.get("/", headers={"Accept": "application/json"}).get_json()
    assert status["sections"]["Queue"] == {"pictures people wait for": 0, "pictures waiting": 0}
    (error,) = status["last_errors"]
    assert (error["path"], error["status"]) == ("/predict", 200)
    assert "the prompts name no object" in error["message"]
