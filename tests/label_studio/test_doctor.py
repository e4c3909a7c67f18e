import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_studio import LEGACY, PERSONAL, FakeStudio, jwt, running
from PIL import Image

from sam_backend.cli import doctor
from sam_backend.label_studio.doctor.check import Verdict, worst

CONFIG = (
    '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="Object"/>'
    '</BrushLabels><KeyPointLabels name="tag2" toName="image" smart="true"><Label value="Object"/>'
    "</KeyPointLabels></View>"
)
PICTURE = "/data/upload/1/a.png"
Found = dict[str, dict[str, Any]]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeStudio]:
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "PNG")
    with running(FakeStudio(pictures={PICTURE: file.getvalue()})) as studio:
        backend = {"id": 3, "url": studio.url, "state": "CO", "title": "SAM", "is_interactive": True}
        studio.api = {
            "/api/version": (200, {"release": "1.23.2"}),
            "/api/current-user/whoami": (200, {"email": "me@example.com"}),
            "/health": (200, {"status": "UP", "state": "ready", "model": "tiny", "device": "cpu"}),
            "POST /api/ml": (400, {"validation_errors": {"project": ["Invalid pk"]}}),
            "POST /api/webhooks/": (400, {"validation_errors": {"actions": ["not a valid choice"]}}),
            "/api/projects/1": (200, {"title": "Cells", "task_number": 1, "label_config": CONFIG}),
            "GET /api/ml": (200, [backend]),
            "GET /api/webhooks/": (200, [{"url": f"{studio.url}/webhook", "is_active": True}]),
            "/api/tasks": (200, {"tasks": [{"id": 5, "data": {"image": PICTURE}}]}),
            "/api/ml/3/interactive-annotating": (200, {"data": {"result": [{"id": "a"}]}}),
        }
        yield studio


def _doctor(
    fake: FakeStudio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, key: str | None = PERSONAL
) -> tuple[int, Found]:
    """The fake is Label Studio and backend in one; ``/health`` is asked without a token."""
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(FakeStudio, "_is_authorized", _open_health(FakeStudio._is_authorized))
    argv = ["doctor", "--json", "--url", fake.url, "--project", "1", "--backend-url", fake.url + "/"]
    code = _main([*argv, *([] if key is None else ["--api-key", key])])
    return code, {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


def _open_health(is_authorized: Any) -> Any:  # noqa: ANN401
    return lambda self, header: header == "" or is_authorized(self, header)


def _main(argv: list[str]) -> int:
    import argparse

    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(argv)
    return int(arguments.run(arguments))


def test_all_is_well_where_all_is_well(
    fake: FakeStudio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, found = _doctor(fake, capsys, monkeypatch)
    assert {name: check["verdict"] for name, check in found.items()} == dict.fromkeys(
        (
            *("backend", "Label Studio", "token", "ML_BLOCK_LOCAL_IP", "SSRF_PROTECTION_ENABLED", "project"),
            *("labeling config", "model", "webhook", "picture", "click"),
        ),
        "ok",
    )
    assert code == 0
    assert found["token"]["found"] == "personal access token of me@example.com"
    assert found["picture"]["found"].startswith("40 x 30, 0.0 MB: fetched in ")
    assert all(check["ms"] >= 0 for check in found.values())


BLOCKED = {"detail": "URL resolves to a reserved network address (block: 127.0.0.0/8)"}


@pytest.mark.parametrize(
    ("path", "answer", "name", "verdict", "cure"),
    [
        pytest.param("/api/version", (302, "https://ls/"), "Label Studio", "fail", "it redirects to", id="redirect"),
        pytest.param("/api/version", (200, {}), "Label Studio", "fail", "set LABEL_STUDIO_URL", id="no release"),
        pytest.param("/api/current-user/whoami", (500, ""), "token", "fail", "check LABEL_STUDIO_URL", id="no user"),
        pytest.param("/api/current-user/whoami", (401, {}), "token", "fail", "make a new one", id="token refused"),
        pytest.param("/health", (404, {}), "backend", "fail", "--backend-url", id="no backend"),
        pytest.param("/health", (200, {"status": "UP", "state": "failed"}), "backend", "fail", "mend that", id="model"),
        pytest.param("/health", (200, {"status": "UP", "state": "loading"}), "backend", "warn", "wait", id="loading"),
        pytest.param(
            "POST /api/ml", (403, BLOCKED), "ML_BLOCK_LOCAL_IP", "fail", "set ML_BLOCK_LOCAL_IP=false", id="ML rule"
        ),
        pytest.param("POST /api/ml", (500, {}), "ML_BLOCK_LOCAL_IP", "warn", "from 1.23.1 on", id="other answer"),
        pytest.param("POST /api/ml", (403, {}), "ML_BLOCK_LOCAL_IP", "skip", "administrator", id="not allowed"),
        pytest.param(
            "POST /api/ml",
            (500, {"detail": "Can't resolve hostname sam"}),
            "ML_BLOCK_LOCAL_IP",
            "fail",
            "--backend-url",
            id="name unknown to Label Studio",
        ),
        pytest.param(
            "POST /api/webhooks/",
            (403, BLOCKED),
            "SSRF_PROTECTION_ENABLED",
            "fail",
            "set SSRF_PROTECTION_ENABLED=false",
            id="SSRF",
        ),
        pytest.param("/api/projects/1", (404, {}), "project", "fail", "another --project", id="no project"),
        pytest.param("/api/projects/1", (403, {}), "project", "fail", "open the project", id="closed project"),
        pytest.param("GET /api/ml", (200, []), "model", "warn", "connect http://127", id="not connected"),
        pytest.param("GET /api/ml", (403, {}), "model", "skip", "a token that may", id="models not shown"),
        pytest.param("GET /api/webhooks/", (200, []), "webhook", "warn", "remove and connect", id="no webhook"),
        pytest.param("GET /api/webhooks/", (403, {}), "webhook", "skip", "a token that may", id="hooks not shown"),
        pytest.param("/api/tasks", (200, {"tasks": []}), "picture", "skip", "import a picture", id="no task"),
        pytest.param(
            "/api/tasks",
            (200, {"tasks": [{"id": 5, "data": {}}]}),
            "picture",
            "fail",
            "import it again",
            id="no address",
        ),
        pytest.param(
            "/api/tasks",
            (200, {"tasks": [{"id": 5, "data": {"image": "file:///etc/passwd"}}]}),
            "picture",
            "fail",
            "give http(s)://",
            id="refused address",
        ),
        pytest.param(
            "/api/ml/3/interactive-annotating",
            (200, {"errors": ["x"]}),
            "click",
            "fail",
            "status page",
            id="click fails",
        ),
        pytest.param(
            "/api/ml/3/interactive-annotating",
            (200, {"data": {"result": []}}),
            "click",
            "warn",
            "last errors",
            id="click without mask",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(
    fake: FakeStudio,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    answer: tuple[int, object],
    name: str,
    verdict: str,
    cure: str,
) -> None:
    fake.api[path] = answer
    code, found = _doctor(fake, capsys, monkeypatch)
    assert (found[name]["verdict"], cure in found[name]["cure"]) == (verdict, True), found[name]
    assert code == (verdict == "fail")


@pytest.mark.parametrize(
    ("changes", "verdict", "cure"),
    [
        pytest.param({"state": "DI"}, "fail", "address that works", id="disconnected"),
        pytest.param({"state": "ER", "error_message": "500"}, "fail", "backend's log", id="error"),
        pytest.param({"is_interactive": False}, "fail", "tick them", id="not interactive"),
    ],
)
def test_connected_model_is_looked_at(
    fake: FakeStudio,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    verdict: str,
    cure: str,
) -> None:
    fake.api["GET /api/ml"][1][0].update(changes)  # type: ignore[index]
    _, found = _doctor(fake, capsys, monkeypatch)
    assert (found["model"]["verdict"], cure in found["model"]["cure"]) == (verdict, True)


def test_other_interactive_model_before_this_one_is_named(
    fake: FakeStudio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"id": 1, "url": "http://other", "title": "Other", "state": "CO", "is_interactive": True}
    fake.api["GET /api/ml"][1].insert(0, other)  # type: ignore[attr-defined]
    _, found = _doctor(fake, capsys, monkeypatch)
    assert "'Other'" in found["model"]["found"]


def test_webhook_that_is_off_is_named(
    fake: FakeStudio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.api["GET /api/webhooks/"][1][0]["is_active"] = False  # type: ignore[index]
    _, found = _doctor(fake, capsys, monkeypatch)
    assert found["webhook"]["found"] == "the webhook is switched off"


@pytest.mark.parametrize(
    ("config", "verdict", "words"),
    [
        pytest.param("<View/>", "fail", "no <Image>", id="no picture"),
        pytest.param("<View", "fail", "no plain XML", id="no XML"),
        pytest.param('<View><Image name="i" value="$image"/></View>', "fail", "nothing to click", id="no prompt"),
        pytest.param(CONFIG.replace("BrushLabels", "Choices"), "fail", "takes a mask", id="no output"),
        pytest.param(CONFIG.replace('"Object"', '"Other"', 1), "warn", "no output tag lists: Object", id="labels"),
        pytest.param(CONFIG.replace("KeyPointLabels", "Rectangle"), "ok", "rectangle 'tag2'", id="rectangle"),
    ],
)
def test_labeling_config_is_looked_at(
    fake: FakeStudio,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    verdict: str,
    words: str,
) -> None:
    fake.api["/api/projects/1"][1]["label_config"] = config  # type: ignore[index]
    _, found = _doctor(fake, capsys, monkeypatch)
    assert (found["labeling config"]["verdict"], words in found["labeling config"]["found"]) == (verdict, True)


@pytest.mark.parametrize(
    ("key", "verdict", "words"),
    [
        pytest.param(None, "fail", "is not set", id="none"),
        pytest.param(LEGACY, "ok", "legacy token of me", id="legacy"),
        pytest.param("wrong", "fail", "the legacy token is refused (Invalid token.)", id="wrong"),
        pytest.param(jwt("refresh", "revoked"), "fail", "refuses the personal access token", id="revoked"),
        pytest.param(jwt("access", "mine"), "warn", "an access token", id="access"),
    ],
)
def test_token_is_looked_at(
    fake: FakeStudio,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    key: str | None,
    verdict: str,
    words: str,
) -> None:
    fake.valid_access.add(jwt("access", "mine"))
    _, found = _doctor(fake, capsys, monkeypatch, key=key)
    assert (found["token"]["verdict"], words in found["token"]["found"]) == (verdict, True), found["token"]
    assert key is None or key not in json.dumps(found)


def test_without_anything_it_says_what_to_give(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    assert _main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "set LABEL_STUDIO_URL" in shown
    assert "give --backend-url" in shown
    assert "1 of 2 checks failed: begin with the first" in shown


def test_without_a_project_the_rest_is_checked(
    fake: FakeStudio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", fake.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", LEGACY)
    assert _main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "ok   token" in shown
    assert "-> give --project N" in shown
    assert "nothing failed (0 to look at, 2 not checked)" in shown


def test_server_that_is_not_there_ends_the_check_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    assert _main(["doctor", "--url", "http://127.0.0.1:9"]) == 1
    assert "can't be reached (ConnectionError)" in capsys.readouterr().out


def test_worst_of_nothing_is_ok() -> None:
    assert worst([]) is Verdict.OK
