"""Runs and questions through the real app."""

import base64
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import geopandas
import pytest
import rasterio
import shapely
from flask.testing import FlaskClient
from PIL import Image
from raster_runs import EVERYTHING, Ask, Download, all_events, begin, run_body

from sam_backend.__main__ import main

CLICK = {"points_xy": [[300020, 4999975]], "is_foreground": [True]}


@pytest.fixture(scope="session")
def words() -> list[str]:
    return [word for name, value in EVERYTHING.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_a_run_gives_the_features_of_the_command_line(
    ask: Ask, download: Download, geotiff: Path, tiny_checkpoint: Path, tmp_path: Path, words: list[str]
) -> None:
    run = begin(ask, run_body(geotiff, id="mine"))
    events = all_events(ask, run)
    assert {event["id"] for event in events} == {"mine"}
    result = events[-1]
    assert (result["state"], result["tiles"]["n_done"]) == ("complete", 6)
    assert (result["output"], result["journal"]) == (f"run:{run}", f"run:{run}")
    assert "progress" in {event["event"] for event in events}
    headers = download(run, tmp_path / "http.gpkg")
    assert headers["Content-Type"] == "application/geopackage+sqlite3"
    assert "town.gpkg" in headers["Content-Disposition"]
    command = ["raster", str(geotiff), str(tmp_path / "cli.gpkg"), *words]
    assert main([*command, "--checkpoint", str(tiny_checkpoint), "--device", "cpu"]) == 0
    ours, theirs = (geopandas.read_file(tmp_path / f"{name}.gpkg", layer="objects") for name in ("http", "cli"))
    assert len(ours) == result["objects"]["n_objects"] > 5
    assert ours.to_json() == theirs.to_json()


@pytest.mark.parametrize(
    ("ending", "mimetype"),
    [
        ("fgb", "application/flatgeobuf"),
        ("geojson", "application/geo+json"),
        ("parquet", "application/vnd.apache.parquet"),
    ],
)
def test_objects_come_in_the_format_that_was_asked_for(
    ending: str, mimetype: str, ask: Ask, download: Download, geotiff: Path, tmp_path: Path
) -> None:
    run = begin(ask, run_body(geotiff, format=ending, heal=False))
    n_objects = all_events(ask, run)[-1]["objects"]["n_objects"]
    file = tmp_path / f"out.{ending}"
    assert download(run, file)["Content-Type"] == mimetype
    read = geopandas.read_parquet if ending == "parquet" else geopandas.read_file
    assert len(read(file)) == n_objects


def test_uploads_are_rasters_and_prompts(ask: Ask, raster_client: FlaskClient, geotiff: Path, tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(geometry=[shapely.box(300010, 4999970, 300030, 4999990)], crs="EPSG:32636")
    frame.to_file(tmp_path / "boxes.gpkg")
    sent = {}
    for path in (geotiff, tmp_path / "boxes.gpkg"):
        answer = raster_client.post(f"/raster/uploads?name=../{path.name}", data=path.read_bytes())
        assert answer.status_code == 200
        sent[path.name] = answer.get_json()["path"]
        assert sent[path.name].endswith("/" + path.name)
    body = {"raster": sent["town.tif"], "prompts": sent["boxes.gpkg"], "prompt_kind": "boxes", "tile_size": 64}
    result = all_events(ask, begin(ask, {**body, "overlap": 16, "area": sent["boxes.gpkg"]}))[-1]
    assert (result["event"], result["state"]) == ("result", "complete"), result
    assert result["objects"]["n_objects"] + result["objects"]["n_unanswered"] == 1


def test_a_run_is_refiltered_into_a_new_file(ask: Ask, download: Download, geotiff: Path, tmp_path: Path) -> None:
    run = begin(ask, run_body(geotiff, heal=False))
    all_of_them = all_events(ask, run)[-1]["objects"]["n_objects"]
    status, result = ask("POST", "/refilter", {"journal": f"run:{run}", "format": "geojson", "min_area": 60, "id": "r"})
    assert status == 200, result
    assert (result["id"], result["event"]) == ("r", "result")
    assert 0 < result["objects"]["n_objects"] < all_of_them
    new_run = result["output"].removeprefix("run:")
    download(new_run, tmp_path / "fewer.geojson")
    assert len(geopandas.read_file(tmp_path / "fewer.geojson")) == result["objects"]["n_objects"]
    assert all_events(ask, new_run) == [result]


def test_asking_again_goes_on_with_the_same_journal(ask: Ask, geotiff: Path) -> None:
    first = begin(ask, run_body(geotiff))
    all_events(ask, first)
    for changes in ({"start": "resume", "min_area": 60}, {"journal": f"run:{first}"}):
        events = all_events(ask, begin(ask, run_body(geotiff, **changes)))
        assert events[-1]["journal"] == f"run:{first}", changes
        assert "6 tiles, 6 done before" in events[0]["message"]
    for changes in ({"start": "new"}, {"points_per_side": 2}):
        again = begin(ask, run_body(geotiff, **changes))
        assert all_events(ask, again)[-1]["journal"] == f"run:{again}", changes


def test_resuming_what_never_was_is_refused(ask: Ask, geotiff: Path) -> None:
    status, error = ask("POST", "/runs", run_body(geotiff, start="resume"))
    assert (status, error["kind"]) == (400, "bad_request")
    assert "leave start out" in error["message"]


def test_a_click_is_answered_and_refined(ask: Ask, geotiff: Path) -> None:
    view = {"raster": str(geotiff), "view_px": [0, 0, 100, 100]}
    assert ask("POST", "/prefetch", view)[1]["was_known"] is False
    status, first = ask("POST", "/object", {**view, **CLICK, "object": "a", "id": "1"})
    assert (status, first["id"], first["was_known"], len(first["masks"])) == (200, "1", True, 3)
    status, refined = ask("POST", "/object", {**view, **CLICK, "object": "a", "refine": True})
    assert len(refined["masks"]) == 1


def test_a_picture_is_a_view(ask: Ask) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    body = {"picture": picture, "transform": [1, 0, 0, 0, -1, 64], "points_xy": [[9, 9]], "is_foreground": [True]}
    status, answer = ask("POST", "/object", body)
    assert (status, answer["event"]) == (200, "result")


def test_hello_tells_who_is_there(ask: Ask) -> None:
    status, answer = ask("POST", "/hello", {})
    assert (status, answer["protocol"]) == (200, 1)


def test_a_cancel_ends_a_run_within_a_second_and_keeps_its_tiles(ask: Ask, geotiff: Path) -> None:
    body = run_body(geotiff, overlap=60, points_per_side=20)
    run = begin(ask, body)
    n_known, is_under_way = 0, False
    while not is_under_way:
        answer = ask("GET", f"/runs/{run}/events?after={n_known}&wait=5")[1]
        is_under_way = any(event["event"] == "progress" and event["n_finished"] for event in answer["events"])
        n_known = answer["next"]
    asked_s = time.monotonic()
    assert ask("DELETE", f"/runs/{run}")[1]["found"] is True
    result = all_events(ask, run)[-1]
    assert time.monotonic() - asked_s < 1.5  # promised is one second
    assert (result["state"], result["output"]) == ("cancelled", None)
    assert result["tiles"]["n_done"] > 0
    assert result["tiles"]["n_left"] > 0
    assert ask("DELETE", f"/runs/{run}")[1]["found"] is False
    status, error = ask("GET", f"/runs/{run}/output")
    assert (status, error["message"]) == (409, "the run has written no objects")


def test_runs_wait_for_each_other_and_one_that_waits_can_be_cancelled(ask: Ask, geotiff: Path) -> None:
    body = run_body(geotiff, overlap=60, points_per_side=20)
    first, second = begin(ask, body), begin(ask, {**body, "start": "new"})
    (said,) = ask("GET", f"/runs/{second}/events?wait=20")[1]["events"]
    assert said["message"] == "waiting: one run goes before this one"
    asked_s = time.monotonic()
    ask("DELETE", f"/runs/{second}")
    result = all_events(ask, second)[-1]
    assert time.monotonic() - asked_s < 1.5  # promised is one second
    assert (result["state"], result["tiles"]["n_done"]) == ("cancelled", 0)
    ask("DELETE", f"/runs/{first}")
    assert all_events(ask, first)[-1]["state"] == "cancelled"


def test_a_long_poll_waits_and_no_longer_than_it_should(ask: Ask, geotiff: Path) -> None:
    run = begin(ask, run_body(geotiff, heal=False))
    n_events = len(all_events(ask, run))
    started_s = time.monotonic()
    assert ask("GET", f"/runs/{run}/events?after={n_events}&wait=20")[1] == {"events": [], "next": n_events}
    assert time.monotonic() - started_s < 5  # nothing comes any more


BAD = [
    pytest.param("POST", "/runs", [], 400, "JSON object", id="a list"),
    pytest.param("POST", "/runs", {}, 400, "came without raster", id="no raster"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "rastre": 1}, 400, "no field", id="a typing error"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "op": "run"}, 400, "no field 'op'", id="op"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "output": "/data/x.gpkg"}, 400, "no field 'output'", id="output"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "journal": "/data/x"}, 400, "run:ID", id="journal"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "journal": "run:x"}, 404, "no run", id="unknown journal"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "format": "shp"}, 400, "gpkg, fgb", id="format"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "format": {}}, 400, "gpkg, fgb", id="format of another type"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "start": "now"}, 400, "start", id="start"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "id": 3}, 400, "id is some text", id="id"),
    pytest.param("POST", "/runs", {"raster": "{tif}", "prompts": "{tif}"}, 400, "kind", id="a raster as prompts"),
    pytest.param("POST", "/runs", {"raster": "{broken}"}, 422, "can't be read as a raster", id="a damaged raster"),
    pytest.param("POST", "/object", {"raster": "{tif}", "view_px": [0, 0, 9, 9]}, 400, "prompt", id="no prompt"),
    pytest.param("POST", "/prefetch", {"raster": "{tif}", "view_px": [900, 900, 9, 9]}, 422, "no data", id="no data"),
    pytest.param("POST", "/refilter", {"journal": "run:../x"}, 404, "no run", id="a path as run"),
    pytest.param("POST", "/refilter", {"journal": "{tif}"}, 400, "run:ID", id="a raster as journal"),
    pytest.param("POST", "/cancel", {"target": "x"}, 404, None, id="cancel"),
    pytest.param("GET", "/runs/x/events", None, 404, "no run", id="unknown run"),
    pytest.param("GET", "/runs/x/output", None, 404, "no run", id="output of none"),
    pytest.param("DELETE", "/runs/x", None, 404, "no run", id="cancelling none"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "sentence"), BAD)
def test_what_cannot_be_done_is_said_in_one_sentence(
    method: str, path: str, body: object, status: int, sentence: str | None, ask: Ask, geotiff: Path, shelf: Path
) -> None:
    (shelf / "broken.tif").write_bytes(geotiff.read_bytes()[:100])
    filled = json.dumps(body).replace("{tif}", str(geotiff)).replace("{broken}", str(shelf / "broken.tif"))
    got, answer = ask(method, path, json.loads(filled))
    assert got == status, answer
    if sentence is not None:
        assert sentence in answer["message"]
        assert answer["event"] == "error"
        assert answer["kind"] in ("bad_request", "raster", "layer")


def test_wrong_numbers_of_a_poll_are_refused(ask: Ask, geotiff: Path) -> None:
    run = begin(ask, run_body(geotiff, heal=False, format=None, id=None, output=None, journal=None))
    for query in ("after=-1", "after=x", "wait=nan", "wait=1e400", "after=" + "9" * 40):
        assert ask("GET", f"/runs/{run}/events?{query}")[0] == 400
    all_events(ask, run)


def test_a_page_of_another_site_is_refused(raster_client: FlaskClient) -> None:
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        answer = raster_client.post("/raster/hello", json={}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == status


def test_a_full_disk_is_said(start_raster: Callable[..., FlaskClient], geotiff: Path, tmp_path: Path) -> None:
    no_folder = tmp_path / "full"
    no_folder.write_text("no folder")
    client = start_raster(raster_spool=no_folder)
    answer = client.post("/raster/runs", json=run_body(geotiff))
    assert answer.status_code == 507
    assert answer.get_json()["kind"] == "storage"


def test_a_model_that_fails_ends_a_run_with_its_reason(
    start_raster: Callable[..., FlaskClient], geotiff: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.pth").write_bytes(b"no weights")
    client = start_raster(model=str(tmp_path / "bad.pth"))

    def ask(method: str, path: str, body: object = None) -> tuple[int, object]:
        answer = client.open(f"/raster{path}", method=method, json=body)
        return answer.status_code, answer.get_json()

    error = all_events(ask, begin(ask, run_body(geotiff)))[-1]
    assert (error["event"], error["kind"]) == ("error", "model")
    view = {"raster": str(geotiff), "view_px": [0, 0, 9, 9]}
    assert ask("POST", "/prefetch", view)[0] == 503


def test_a_raster_that_is_a_link_is_one_file(ask: Ask, geotiff: Path, shelf: Path) -> None:
    (shelf / "link.tif").symlink_to(geotiff)
    with rasterio.open(shelf / "link.tif") as raster:
        assert raster.width == 150
    assert all_events(ask, begin(ask, run_body(shelf / "link.tif", heal=False)))[-1]["state"] == "complete"
