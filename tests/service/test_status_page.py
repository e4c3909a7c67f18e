import html
from collections.abc import Callable

from click_bodies import click_body
from flask.testing import FlaskClient

from sam_backend.service.last_errors import LastErrors

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


def test_browser_gets_a_page_that_stands_alone(client: FlaskClient) -> None:
    answer = client.get("/", headers=BROWSER)
    assert answer.mimetype == "text/html"
    for words in ("Model", "Cache", "Versions", "Connection", "None since the start.", "prefers-color-scheme: dark"):
        assert words in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_program_gets_json(client: FlaskClient) -> None:
    for headers in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
        body = client.get("/", headers=headers).get_json()
        assert body["status"] == "UP"
        assert set(body["sections"]) >= {"Model", "Cache", "Connection", "Versions"}
        assert body["last_errors"] == []


def test_last_errors_are_shown_without_content_or_markup(client: FlaskClient) -> None:
    for _ in range(2):
        client.post("/predict", json=click_body("file:///<script>alert(1)</script>?token=secret"))
    [error] = client.get("/").get_json()["last_errors"]
    assert (error["path"], error["status"], error["times"]) == ("/predict", 502, 2)
    assert "aren't fetched" in error["message"]
    page = client.get("/", headers=BROWSER).text
    assert "<script" not in page
    assert html.escape("<script>") in page
    assert "2 times" in page
    assert page.index("2 times") < page.index("Cache"), "what went wrong stands first"
    assert "secret" not in page


def test_address_that_does_not_exist_is_no_error_to_remember(client: FlaskClient) -> None:
    client.get("/favicon.ico")
    assert client.get("/").get_json()["last_errors"] == []


def test_token_is_shown_only_as_set(start: Callable[..., FlaskClient]) -> None:
    client = start(label_studio_url="http://ls", label_studio_api_key="top-secret", allowed_hosts=("minio",))
    assert "top-secret" not in client.get("/").text
    facts = client.get("/").get_json()["sections"]["Connection"]
    assert (facts["token"], facts["other hosts"]) == ("set", "minio")


def test_model_that_failed_is_named_on_the_page(start: Callable[..., FlaskClient]) -> None:
    client = start(model="/nowhere/mine.pth")
    client.get("/versions")
    assert "there is no file" in client.get("/", headers=BROWSER).text


def test_only_the_newest_errors_are_remembered_and_repeats_are_counted() -> None:
    now_s = [0.0]
    errors = LastErrors(capacity=2, clock=lambda: now_s[0])
    for name in ("a", "b", "b", "c"):
        errors.remember(f"/{name}", 500, "x" * 1000)
        now_s[0] += 60
    newest, older = errors.newest_first()
    assert (newest.path, newest.at, len(newest.message)) == ("/c", "1970-01-01T00:03:00+00:00", 500)
    assert (older.path, older.times, older.at) == ("/b", 2, "1970-01-01T00:02:00+00:00")
