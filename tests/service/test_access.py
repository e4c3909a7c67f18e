import base64
import re
from collections.abc import Callable

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from sam_backend.service.access import guard

TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def guarded(start: Callable[..., FlaskClient]) -> FlaskClient:
    return start(api_token=TOKEN)


RIGHT = [
    pytest.param({"Authorization": f"Bearer {TOKEN}"}, id="bearer"),
    pytest.param({"Authorization": f"bearer {TOKEN}"}, id="small letters"),
    pytest.param(_basic("label-studio", TOKEN), id="password"),
    pytest.param(_basic("", TOKEN), id="password without a user"),
]
WRONG = [
    pytest.param({}, id="nothing"),
    pytest.param({"Authorization": f"Bearer {TOKEN[:-1]}"}, id="a sign less"),
    pytest.param({"Authorization": f"Bearer {TOKEN}x"}, id="a sign more"),
    pytest.param({"Authorization": "Bearer"}, id="no token"),
    pytest.param({"Authorization": f"Token {TOKEN}"}, id="another scheme"),
    pytest.param({"Authorization": TOKEN}, id="no scheme"),
    pytest.param(_basic(TOKEN, ""), id="as the user"),
    pytest.param(_basic("me", TOKEN.upper()), id="capital letters"),
    pytest.param(_basic("me", "ä" * 16), id="beyond ASCII"),
    pytest.param({"Authorization": "Basic !!!"}, id="damaged base64"),
]


@pytest.mark.parametrize("headers", RIGHT)
def test_token_opens_every_route(guarded: FlaskClient, headers: dict[str, str]) -> None:
    assert guarded.get("/", headers=headers).status_code == 200
    assert guarded.get("/try/", headers=headers).status_code == 200
    assert "model_class" in guarded.get("/health", headers=headers).get_json()


@pytest.mark.parametrize("headers", WRONG)
def test_without_the_token_nothing_is_told(guarded: FlaskClient, headers: dict[str, str]) -> None:
    answer = guarded.get("/", headers=headers)
    assert answer.status_code == 401
    assert answer.get_json()["error"].startswith("this service wants its token (SAM_API_TOKEN)")
    assert [value.split()[0] for value in answer.headers.getlist("WWW-Authenticate")] == ["Basic", "Bearer"]


def test_every_route_but_health_and_webhook_wants_the_token(guarded: FlaskClient) -> None:
    rules = [rule for rule in guarded.application.url_map.iter_rules() if rule.rule not in ("/health", "/webhook")]
    assert len(rules) > 10
    for rule in rules:
        for method in rule.methods or ():
            address = re.sub("<[^>]*>", "x", rule.rule)
            assert guarded.open(address, method=method).status_code == 401, (method, rule.rule)
    assert guarded.get("/no/such/route").status_code == 401
    assert guarded.post("/health").status_code == 401
    assert guarded.get("/webhook").status_code == 401


def test_health_says_its_status_only(guarded: FlaskClient) -> None:
    assert guarded.get("/health").get_json() == {"status": "UP"}
    assert guarded.head("/health").status_code == 200


def test_without_a_token_in_the_settings_everybody_may_enter(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("token", "headers", "is_authorized"),
    [
        pytest.param(None, {}, True, id="no token is wanted"),
        pytest.param(TOKEN, {"Authorization": f"Bearer {TOKEN}"}, True, id="the token"),
        pytest.param(TOKEN, {}, False, id="nothing"),
        pytest.param(TOKEN, {"Authorization": f"Bearer {TOKEN}x"}, False, id="a wrong one"),
    ],
)
def test_webhook_is_let_through_and_told_whether_the_token_was_shown(
    token: str | None, headers: dict[str, str], is_authorized: bool
) -> None:
    app = Flask(__name__)
    guard(app, token)

    @app.post("/webhook")
    def webhook() -> dict[str, bool]:
        return {"is_authorized": g.is_authorized}

    answer = app.test_client().post("/webhook", headers=headers)
    assert answer.get_json() == {"is_authorized": is_authorized}


def test_strangers_may_not_say_which_pictures_are_fetched(
    guarded: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"action": "TASKS_CREATED", "project": {"id": 1}, "tasks": []}
    assert guarded.post("/webhook", json=body).get_json() == {}
    assert "tasks_created" not in caplog.text
    guarded.post("/webhook", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert "tasks_created" in caplog.text


def test_webhook_of_a_stranger_may_not_be_huge(guarded: FlaskClient) -> None:
    assert guarded.post("/webhook", data=b" " * 32_000_001).status_code == 413
