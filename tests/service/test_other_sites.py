import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from sam_backend.service.versions import learning

START_TRAINING = json.dumps({"action": "START_TRAINING", "project": {"id": 7}})
PLAIN = {"Content-Type": "text/plain"}
OTHER_SITES = [
    pytest.param({"Sec-Fetch-Site": "cross-site", **PLAIN}, id="another site"),
    pytest.param({"Sec-Fetch-Site": "same-site", **PLAIN}, id="another server of the site"),
    pytest.param({"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, id="whatever the type"),
    pytest.param({"Origin": "http://elsewhere.test", **PLAIN}, id="plain http: text"),
    pytest.param({"Origin": "null", "Content-Type": "multipart/form-data; boundary=x"}, id="plain http: a form"),
    pytest.param({"Origin": "http://elsewhere.test"}, id="plain http: no type"),
]
OWN = [
    pytest.param({}, id="a program"),
    pytest.param(PLAIN, id="a program that sends text"),
    pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "https://sam.test"}, id="our own page"),
    pytest.param({"Sec-Fetch-Site": "none"}, id="typed by a person"),
    pytest.param({"Origin": "http://sam.test", "Content-Type": "application/json"}, id="our own page over plain http"),
]


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The projects that a training was started for."""
    started: list[int] = []
    monkeypatch.setattr(learning, "start_training", lambda book, settings, project: started.append(project))
    return started


@pytest.mark.parametrize("headers", OTHER_SITES)
def test_a_page_of_another_site_starts_no_training(
    client: FlaskClient, trainings: list[int], headers: dict[str, str]
) -> None:
    answer = client.post("/webhook", data=START_TRAINING, headers=headers)
    assert answer.status_code == 403
    assert "a page of another site asked for this" in answer.get_json()["error"]
    assert trainings == []


@pytest.mark.parametrize("headers", OWN)
def test_programs_and_our_own_pages_are_let_in(
    client: FlaskClient, trainings: list[int], headers: dict[str, str]
) -> None:
    assert client.post("/webhook", data=START_TRAINING, headers=headers).status_code == 200
    assert trainings == [7]


def test_no_route_that_does_something_is_open_to_another_site(client: FlaskClient) -> None:
    rules = [
        (rule.rule, method)
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    ]
    assert len(rules) > 8
    for rule, method in rules:
        address = re.sub("<any[^>]*>", "hello", rule).replace("<picture_id>", "x").replace("<run_id>", "x")
        answer = client.open(address, method=method, headers={"Sec-Fetch-Site": "cross-site"}, json={})
        assert answer.status_code == 403, (method, rule)


def test_who_may_not_read_here_is_told_of_the_token_first(start: Callable[..., FlaskClient]) -> None:
    guarded = start(api_token="a-token-of-some-length")  # noqa: S106 - of this test
    assert guarded.post("/setup", json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


def test_links_of_other_sites_lead_to_our_pages(client: FlaskClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for address in ("/", "/try/", "/health"):
        assert client.get(address, headers=headers).status_code == 200
    assert client.options("/webhook", headers=headers).status_code == 200


def test_the_try_page_works_over_plain_http(client: FlaskClient, png: bytes) -> None:
    headers = {"Origin": "http://sam.test"}
    sent = client.post("/try/pictures", data=png, headers={**headers, "Content-Type": "image/png"})
    assert sent.status_code == 200
    click = {"points": [[36, 30]], "labels": [1]}
    assert client.post(f"/try/pictures/{sent.get_json()['id']}/masks", json=click, headers=headers).status_code == 200
