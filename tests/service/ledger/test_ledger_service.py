"""The ledger within the service: clicks and webhooks in, numbers out."""

import contextlib
import csv
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click_bodies import click_body, point_item, recorded
from flask import g
from flask.testing import FlaskClient
from ledger_regions import annotation, brush, click, polygon, rectangle, square

from sam_backend.__main__ import main
from sam_backend.service.app import create_app
from sam_backend.service.ledger.collector import LedgerCollector
from sam_backend.service.ledger.ledger import Ledger
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.settings import Settings

CLICK_LIMIT_S = 0.001


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def client(start: Callable[..., FlaskClient], data_folder: Path) -> FlaskClient:
    return start(data_folder=data_folder)


def rows_of(
    client: FlaskClient, is_there: Callable[[list[dict[str, str]]], bool], query: str = ""
) -> list[dict[str, str]]:
    for _ in range(500):
        answer = client.get(f"/ledger.csv{query}")
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        rows = list(csv.DictReader(answer.text.splitlines()))
        if is_there(rows):
            return rows
        time.sleep(0.02)
    pytest.fail(f"the ledger never said what was waited for: {rows}")


def answered(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    (region,) = client.post("/predict", json=body).get_json()["results"][0]["result"]
    return dict(region)


def submit(client: FlaskClient, regions: list[Any], action: str = "ANNOTATION_CREATED", **more: object) -> None:
    body = recorded("webhook_annotation_created")
    click_made = click_body("")
    body["action"] = action
    body["annotation"] |= {"id": 1, "result": regions, "task": click_made["tasks"][0]["id"], "lead_time": 9.5} | more
    body["annotation"]["project"] = int(click_made["project"].split(".")[0])
    answer = client.post("/webhook", json=body)
    assert (answer.status_code, answer.get_json()) == (200, {})


def test_click_that_is_refined_and_submitted_is_kept_with_its_clicks(client: FlaskClient, data_uri: str) -> None:
    first = answered(client, click_body(data_uri, point_item(45, 50, id="p1")))
    again = click_body(data_uri, point_item(45, 50, id="p1"), point_item(30, 30, id="p2", is_positive=False))
    refined = answered(client, again)
    assert refined["id"] == first["id"]
    [row] = rows_of(client, lambda rows: [row["clicks"] for row in rows] == ["2"])
    assert (row["outcome"], row["origin"], row["refined"], row["label"]) == ("open", "click", "yes", "Object")
    assert (row["tag"], row["shape"], row["model_version"]) == (refined["from_name"], "brush", row["model_version"])
    assert float(row["score"]) == refined["score"]
    key_point = point_item(50, 50, id="p1")
    submit(client, [key_point, refined, refined | {"type": "keypointlabels", "from_name": "tag2"}])
    [row] = rows_of(client, lambda rows: rows[0]["outcome"] != "open")
    assert (row["outcome"], row["iou"], row["annotation"], row["lead_time_s"]) == ("kept", "1.0", "1", "9.5")
    assert row["first_click"] < row["last_click"]
    facts = client.get("/").get_json()["sections"]["Ledger"]
    assert facts["label Object"] == "1 kept, 0 edited, 0 discarded, 0 by hand"
    assert (facts["clicks per object"], facts["editor's seconds per object"]) == (2.0, 9.5)


def test_update_and_deletion_change_what_is_found(client: FlaskClient, data_uri: str) -> None:
    region = answered(client, click_body(data_uri, point_item(50, 50, id="p1")))
    submit(client, [])
    [row] = rows_of(client, lambda rows: bool(rows) and rows[0]["outcome"] != "open")
    assert row["outcome"] == "discarded"
    submit(client, [region], "ANNOTATION_UPDATED", updated_at="2027-01-01")
    rows_of(client, lambda rows: rows[0]["outcome"] == "kept")
    client.post("/webhook", json={"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 1}]})
    rows_of(client, lambda rows: rows[0]["outcome"] == "open")


def test_rows_are_of_one_project_if_that_is_asked_for(client: FlaskClient, data_uri: str) -> None:
    answered(client, click_body(data_uri, point_item(50, 50, id="p1")))
    [row] = rows_of(client, lambda rows: len(rows) == 1)
    assert rows_of(client, lambda _: True, f"?project={row['project']}") == [row]
    assert rows_of(client, lambda _: True, "?project=99") == []


@pytest.mark.parametrize("project", ["", "x", "-1", "1e3", "9" * 30, "²"])
def test_project_that_is_none_is_refused(client: FlaskClient, project: str) -> None:
    answer = client.get("/ledger.csv", query_string={"project": project})
    assert answer.status_code == 400
    assert "give its number" in answer.get_json()["error"]


def test_ledger_wants_the_token_as_everything(start: Callable[..., FlaskClient], data_folder: Path) -> None:
    client = start(data_folder=data_folder, api_token=(token := secrets.token_urlsafe()))
    assert client.get("/ledger.csv").status_code == 401
    assert client.get("/ledger.csv", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_webhook_answers_within_a_second_and_clicks_succeed_while_another_process_holds_the_ledger(
    client: FlaskClient, data_uri: str, data_folder: Path
) -> None:
    region = answered(client, click_body(data_uri, point_item(50, 50, id="p1")))
    rows_of(client, lambda rows: len(rows) == 1)
    with contextlib.closing(sqlite3.connect(data_folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started_s = time.monotonic()
        submit(client, [region])
        assert time.monotonic() - started_s < 1
        answered(client, click_body(data_uri, point_item(20, 20, id="p2")))
        [row] = rows_of(client, lambda rows: len(rows) == 1)
        assert row["outcome"] == "open"
        other.execute("COMMIT")
    rows = rows_of(client, lambda rows: len(rows) == 2 and rows[0]["outcome"] != "open")
    assert (rows[0]["region"], rows[0]["outcome"]) == (region["id"], "kept")


def test_clicks_succeed_without_a_ledger_and_that_is_said_once_in_log_and_page(
    start: Callable[..., FlaskClient], tmp_path: Path, data_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    (tmp_path / "file").write_text("")
    client = start(data_folder=tmp_path / "file" / "data")
    for x in (30, 50, 70):
        answered(client, click_body(data_uri, point_item(x, 50, id=f"p{x}")))
    for _ in range(200):
        if "trouble" in (facts := client.get("/").get_json()["sections"]["Ledger"]):
            break
        time.sleep(0.02)
    assert "give SAM_DATA_FOLDER a folder with room" in str(facts["trouble"])
    assert caplog.text.count("ledger_failed") == 1
    assert "trouble" in client.get("/", headers={"Accept": "text/html"}).text


def test_ledger_that_cannot_be_read_is_told_by_every_view(
    start: Callable[..., FlaskClient],
    data_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data_folder.mkdir()
    (data_folder / "ledger.sqlite").write_bytes(b"no database " * 1000)
    client = start(data_folder=data_folder)
    assert "can't be used" in client.get("/").get_json()["sections"]["Ledger"]["trouble"]
    assert client.get("/ledger.csv").status_code == 507
    assert list(LedgerCollector(LedgerFile.in_folder(data_folder)).collect()) == []
    monkeypatch.setenv("SAM_DATA_FOLDER", str(data_folder))
    assert main(["ledger"]) == 2
    assert "can't be used" in capsys.readouterr().err


def test_recording_a_click_takes_less_than_a_millisecond(data_folder: Path) -> None:
    ledger = Ledger(LedgerFile.in_folder(data_folder), keep_days=90)
    one, took_s = click(brush("a", square(0, 0))), []
    for _ in range(20):
        started_s = time.thread_time()
        ledger.record(one)
        took_s.append(time.thread_time() - started_s)
    assert sorted(took_s)[10] < CLICK_LIMIT_S
    assert ledger.wait_until_written(10)


@pytest.fixture
def filled(data_folder: Path, start: Callable[..., FlaskClient]) -> FlaskClient:
    """Two labels and every outcome."""
    client = start(data_folder=data_folder)
    ledger, now_s = Ledger(LedgerFile.in_folder(data_folder), keep_days=90), time.time()
    for name, left in (("a", 0), ("b", 10), ("c", 20), ("d", 30)):
        ledger.record(click(brush(name, square(left, 0)), n_prompts=2 if name == "a" else 1, at_s=now_s))
    dirt = polygon("e", (0, 0), (50, 0), (50, 50), label="Dirt")
    ledger.record(click(dirt, task=8, label="Dirt", at_s=now_s))
    assert ledger.wait_until_written(10)
    regions = [brush("a", square(0, 0)), brush("b", square(10, 5)), brush("c", square(20, 10)), rectangle("hand")]
    body = {"action": "ANNOTATION_CREATED", "annotation": annotation(1, regions)}
    client.post("/webhook", json=body)
    rows_of(client, lambda rows: len(rows) == 6)
    return client


def test_table_shows_labels_and_their_sum(
    filled: FlaskClient, data_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAM_DATA_FOLDER", str(data_folder))
    assert main(["ledger", "--csv", str(data_folder / "all.csv")]) == 0
    head, *rows, last = capsys.readouterr().out.splitlines()
    counts = "label  answered  submitted  kept  edited  discarded  open  by hand"
    assert " ".join(head.split()) == " ".join(f"{counts}  mean IoU  median  clicks  seconds".split())
    assert [row.split() for row in rows] == [
        ["Cell", "4", "4", "1", "2", "1", "0", "1", "0.467", "0.467", "1.33", "0.0"],
        ["Dirt", "1", "0", "0", "0", "0", "1", "0", "-", "-", "-", "-"],
        ["all", "5", "4", "1", "2", "1", "1", "1", "0.467", "0.467", "1.33", "0.0"],
    ]
    assert last == "1 annotations, 3.1 s in the editor for each object"
    assert (data_folder / "all.csv").read_bytes() == filled.get("/ledger.csv").data
    assert main(["ledger", "--project", "99"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 annotations"


def test_csv_that_cannot_be_written_is_named(
    data_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_folder / "a.csv").mkdir(parents=True)
    monkeypatch.setenv("SAM_DATA_FOLDER", str(data_folder))
    assert main(["ledger", "--csv", str(data_folder / "a.csv")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_prometheus_gets_the_same_numbers(filled: FlaskClient, data_folder: Path) -> None:
    families = {family.name: family for family in LedgerCollector(LedgerFile.in_folder(data_folder)).collect()}
    objects = {tuple(sample.labels.values()): sample.value for sample in families["sam_backend_ledger_objects"].samples}
    assert objects[("Cell", "edited")] == 2
    assert objects[("Cell", "by_hand")] == 1
    assert objects[("Dirt", "open")] == 1
    assert sum(objects.values()) == 6
    (iou,) = families["sam_backend_ledger_edited_iou"].samples
    assert (iou.labels, iou.value) == ({"label": "Cell"}, pytest.approx((0.6 + 1 / 3) / 2))
    assert families["sam_backend_ledger_clicks_per_object"].samples[0].value == pytest.approx(4 / 3)
    assert families["sam_backend_ledger_seconds_per_object"].samples[0].value == 0
    assert families["sam_backend_ledger_annotations"].samples[0].value == 1


def test_ledger_holds_no_names_and_no_pictures(filled: FlaskClient, data_folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(data_folder / "ledger.sqlite")) as connection:
        columns = connection.execute("SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c")
        assert not [
            name for (name,) in columns if any(word in name for word in ("user", "mail", "completed", "picture"))
        ]


def test_page_without_a_data_folder_says_zero(client: FlaskClient, data_folder: Path) -> None:
    facts = client.get("/").get_json()["sections"]["Ledger"]
    assert (facts["answered"], facts["kept as answered"], facts["clicks per object"]) == (0, 0, None)
    assert not data_folder.exists()


@pytest.mark.parametrize("name", ["webhook_annotation_created", "webhook_project_updated", "webhook_tasks_created"])
def test_recorded_webhooks_are_taken(client: FlaskClient, name: str) -> None:
    assert client.post("/webhook", json=recorded(name)).status_code == 200


def test_every_recorded_annotation_of_label_studio_is_compared(client: FlaskClient, shared: Path) -> None:
    folder = shared / "fixtures" / "label_studio"
    bodies = [json.loads((folder / name).read_text()) for name in sorted(_ANNOTATION_BODIES)]
    for body in bodies:
        assert client.post("/webhook", json=body.get("body", body)).status_code == 200
    rows = rows_of(client, lambda rows: len(rows) == 1)
    assert [(row["project"], row["task"], row["annotation"], row["outcome"], row["label"]) for row in rows] == [
        ("1", "1", "1", "by hand", "Object")
    ]
    facts = client.get("/").get_json()["sections"]["Ledger"]
    assert facts["annotations"] == 3


_ANNOTATION_BODIES = (
    "webhook_ANNOTATION_CREATED.json",
    "webhook_ANNOTATION_UPDATED.json",
    "webhook_ANNOTATIONS_DELETED.json",
    "rest_webhook_with_basic_auth_backend.json",
)


def test_event_without_the_token_is_ignored_where_nobody_can_be_asked(
    data_folder: Path, checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    app = create_app(Settings(model=str(checkpoint), device="cpu", data_folder=data_folder))
    app.before_request(lambda: setattr(g, "is_authorized", False))
    client = app.test_client()
    submit(client, [rectangle("r")])
    client.post("/webhook", json={"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 1}]})
    for _ in range(200):
        if caplog.text.count("webhook_ignored") == 2:
            break
        time.sleep(0.02)
    assert caplog.text.count("webhook_ignored") == 2
    assert "LABEL_STUDIO_API_KEY" in caplog.text
    assert client.get("/").get_json()["sections"]["Ledger"]["annotations"] == 0
