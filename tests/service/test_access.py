import base64
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

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


def test_every_route_but_health_wants_the_token(guarded: FlaskClient) -> None:
    rules = [rule for rule in guarded.application.url_map.iter_rules() if rule.rule != "/health"]
    assert len(rules) > 10
    for rule in rules:
        for method in rule.methods or ():
            address = re.sub("<[^>]*>", "x", rule.rule)
            assert guarded.open(address, method=method).status_code == 401, (method, rule.rule)
    assert guarded.get("/no/such/route").status_code == 401
    assert guarded.post("/health").status_code == 401


def test_health_says_its_status_only(guarded: FlaskClient) -> None:
    assert guarded.get("/health").get_json() == {"status": "UP"}
    assert guarded.head("/health").status_code == 200


def test_without_a_token_in_the_settings_everybody_may_enter(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200
