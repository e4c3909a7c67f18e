"""The worker as a real process: its streams, its runs, and its end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyogrio
import pytest
from worker_client import ALONE, EVERYTHING, PATIENCE_S, SLOW, WORKER, WorkerClient

from sam_backend.__main__ import main
from sam_backend.geo.run.journal import Journal


def rows(path: Path) -> list[str]:
    _, _, wkb, values = pyogrio.raw.read(path, layer="objects")
    return [repr(row) for row in zip(wkb.tolist(), *(column.tolist() for column in values), strict=True)]


def as_words(options: dict[str, object]) -> list[str]:
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_a_run_comes_to_what_the_command_line_comes_to(
    worker: WorkerClient, geotiff: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.gpkg", tmp_path / "theirs.gpkg"
    worker.send("run", "run", raster=str(geotiff), output=str(ours), min_area=2, **EVERYTHING)
    told = []
    while not told or told[-1]["event"] not in ("result", "error"):
        told.append(worker.event("run"))
    words = ["raster", geotiff, theirs, *as_words(EVERYTHING), "--min-area", "2", "--checkpoint", tiny_checkpoint]
    assert main([*map(str, words), "--device", "cpu"]) == 0
    assert rows(ours) == rows(theirs)
    result = told[-1]
    assert result["state"] == "complete"
    assert result["tiles"] == {"n_done": 6, "n_empty": 0, "n_left": 0, "failed": []}
    assert result["objects"]["n_objects"] == len(rows(ours)) > 5
    assert (result["output"], result["journal"]) == (str(ours), f"{ours}.journal")
    stages = [event["stage"] for event in told if event["event"] == "progress"]
    assert list(dict.fromkeys(stages)) == ["tiles", "healing", "writing"]
    assert "tiny on cpu: 6 tiles, 0 done before" in [event.get("message") for event in told]


def test_results_are_filtered_anew_without_a_run(worker: WorkerClient, geotiff: Path, tmp_path: Path) -> None:
    output, fewer = tmp_path / "out.gpkg", tmp_path / "fewer.fgb"
    done = worker.ask("first", "run", raster=str(geotiff), output=str(output), heal=False, **EVERYTHING)
    again = worker.ask("again", "refilter", journal=done["journal"], output=str(fewer), min_area=50, drawing="outlines")
    assert 0 < again["objects"]["n_objects"] < done["objects"]["n_objects"]
    assert (again["output"], fewer.exists()) == (str(fewer), True)


def test_a_run_is_cancelled_within_a_second_and_gone_on_with(
    worker: WorkerClient, geotiff: Path, tmp_path: Path
) -> None:
    asked = {"raster": str(geotiff), "output": str(tmp_path / "out.gpkg")} | SLOW
    worker.send("long", "run", **asked)
    while worker.event("long", "progress")["n_finished"] < 1:
        pass
    assert worker.ask("meanwhile", "hello")["state"] == "ready"
    began_s = time.monotonic()
    assert worker.ask("stop", "cancel", target="long")["found"]
    ended = worker.end("long")
    assert time.monotonic() - began_s < 5  # promised is one second, on a machine without other work
    assert (ended["state"], ended["objects"], ended["output"]) == ("cancelled", None, None)
    assert ended["tiles"]["n_done"] >= 1
    assert ended["tiles"]["n_left"] > 1
    assert not (tmp_path / "out.gpkg").exists()
    assert len(Journal.open_existing(Path(ended["journal"])).finished()) == ended["tiles"]["n_done"]
    worker.send("on", "run", start="resume", heal=False, **asked)
    assert worker.event("on", "progress")["n_finished"] == ended["tiles"]["n_done"]
    assert worker.ask("stop", "cancel", target="on")["found"]
    assert worker.end("on")["state"] == "cancelled"
    assert not worker.ask("stop", "cancel", target="on")["found"]


def test_clicks_are_answered_while_a_run_goes_on(worker: WorkerClient, geotiff: Path, tmp_path: Path) -> None:
    worker.send("long", "run", raster=str(geotiff), output=str(tmp_path / "out.gpkg"), **SLOW)
    worker.event("long", "progress")
    view = {"raster": str(geotiff), "view_px": [3, 4, 100, 90]}
    assert not worker.ask("look", "prefetch", **view)["was_known"]
    answer = worker.ask("click", "object", points_xy=[[300_020, 4_999_980]], is_foreground=[True], **view)
    assert (answer["was_known"], len(answer["masks"])) == (True, 3)
    worker.send("queued", "run", raster=str(geotiff), output=str(tmp_path / "never.gpkg"), **SLOW)
    assert worker.ask("stop", "cancel", target="queued")["found"]
    assert worker.ask("stop", "cancel", target="long")["found"]
    assert worker.end("long")["state"] == "cancelled"
    never = worker.end("queued")
    assert (never["state"], never["tiles"]["n_left"]) == ("cancelled", 0)
    assert not list(tmp_path.glob("never*"))


@pytest.mark.parametrize(
    ("line", "request_id", "sentence"),
    [
        (b"{", None, "a line is no JSON"),
        (b"\xff", None, "a line is no JSON"),
        (b"", None, "a line is no JSON"),
        (b"[1]", None, "came without an id"),
        (b'{"op": "hello"}', None, "came without an id"),
        (b'{"op": "hello", "id": 7}', None, "came without an id"),
        (b'{"id": "x"}', "x", "the op None isn't known"),
        (b'{"id": "x", "op": "sing"}', "x", "the op 'sing' isn't known: give one of hello, run"),
        (b'{"id": "x", "op": "hello", "loud": 1}', "x", 'hello has no field "loud"'),
    ],
    ids=["cut", "no text", "empty", "a list", "no id", "a number", "no op", "unknown op", "unknown field"],
)
def test_a_line_that_makes_no_sense_is_one_error(
    worker: WorkerClient, line: bytes, request_id: str | None, sentence: str
) -> None:
    worker.send_line(line)
    error = worker.end(request_id)
    assert (error["event"], error["kind"]) == ("error", "bad_request")
    assert sentence in error["message"]


def test_what_else_prints_goes_to_the_log_and_breaks_nothing(worker: WorkerClient) -> None:
    assert worker.ask("still", "hello")["state"] == "ready"
    said = worker.log.read_bytes()
    assert all(word in said for word in (b"print\n", b"write", b"printf"))


PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline(), flush=True)
time.sleep(600)
"""


def test_it_doesnt_outlive_a_parent_that_is_killed(tiny_checkpoint: Path) -> None:
    words = [sys.executable, "-c", PARENT, sys.executable, *WORKER, "--model", str(tiny_checkpoint)]
    parent = subprocess.Popen(words, stdout=subprocess.PIPE, env=ALONE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[0])
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    until_s = time.monotonic() + PATIENCE_S
    while is_alive(pid) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
