from typing import Any

import pytest
from recorded import recorded

from sam_backend.errors import RequestError
from sam_backend.label_studio.request import Task, parse_predict_request


def _body(**changes: object) -> dict[str, Any]:
    return {"tasks": [{"id": 3, "data": {"image": "/data/upload/1/x.png"}}], **changes}


def test_recorded_click_is_read_whole() -> None:
    request = parse_predict_request(recorded("predict_keypoint"))
    assert request.tasks == (Task(id=1, data={"image": "/data/upload/1/6d836ecd-small.jpg"}),)
    assert request.project == "1.1795422272"
    assert request.prompt_items is not None
    assert [item["id"] for item in request.prompt_items] == ["kp1"]


@pytest.mark.parametrize("name", ["predict_task_opened", "predict_batch"])
def test_recorded_request_without_a_click_has_no_prompts(name: str) -> None:
    assert parse_predict_request(recorded(name)).prompt_items is None


@pytest.mark.parametrize(
    ("params", "n_items"),
    [
        pytest.param(None, None, id="params null"),
        pytest.param([], None, id="params a list"),
        pytest.param({}, None, id="no context"),
        pytest.param({"context": None}, None, id="context null"),
        pytest.param({"context": "x"}, None, id="context a text"),
        pytest.param({"context": {}}, 0, id="context without result"),
        pytest.param({"context": {"result": None}}, 0, id="result null"),
        pytest.param({"context": {"result": []}}, 0, id="result empty"),
        pytest.param({"context": {"result": [{}, 7, None]}}, 1, id="only objects count"),
    ],
)
def test_prompts_are_none_unless_a_context_came(params: object, n_items: int | None) -> None:
    items = parse_predict_request(_body(params=params)).prompt_items
    assert (None if items is None else len(items)) == n_items


def test_what_is_left_out_or_null_is_no_error() -> None:
    request = parse_predict_request(_body(project=None, label_config=None))
    assert request.project is None
    assert request.config.controls == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param([], "JSON object, got list", id="a list"),
        pytest.param(None, "JSON object, got NoneType", id="null"),
        pytest.param({}, "tasks must be a list", id="no tasks"),
        pytest.param({"tasks": {}}, "tasks must be a list, got dict", id="tasks an object"),
        pytest.param({"tasks": [7]}, "data in it", id="a task that is a number"),
        pytest.param({"tasks": [{"id": 1}]}, "data in it", id="a task without data"),
        pytest.param({"tasks": [], "params": {"context": {"result": []}}}, "without a task", id="prompts on no task"),
        pytest.param({"tasks": [], "label_config": "<"}, "XML", id="config that is no XML"),
    ],
)
def test_body_that_makes_no_sense_is_refused(body: object, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_predict_request(body)


@pytest.mark.parametrize(
    ("value", "item_index", "uri"),
    [
        pytest.param(" http://h/a.png ", None, "http://h/a.png", id="text"),
        pytest.param(["a", "b"], 1, "b", id="second of a list"),
    ],
)
def test_picture_uri_is_found(value: object, item_index: int | None, uri: str) -> None:
    assert Task(id=1, data={"p": value}).picture_uri("p", item_index) == uri


@pytest.mark.parametrize(
    ("value", "item_index"),
    [
        pytest.param(None, None, id="null"),
        pytest.param("  ", None, id="blank"),
        pytest.param(7, None, id="number"),
        pytest.param(["a"], None, id="list without an index"),
        pytest.param(["a"], 1, id="index beyond the list"),
        pytest.param(["a"], -1, id="negative index"),
        pytest.param([{}], 0, id="list of objects"),
    ],
)
def test_task_without_a_picture_is_refused(value: object, item_index: int | None) -> None:
    with pytest.raises(RequestError, match="no picture under 'p'"):
        Task(id=1, data={"p": value}).picture_uri("p", item_index)
