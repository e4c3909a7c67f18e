"""Requests performed without a process around them."""

import contextlib
import errno
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from direct_host import DirectHost
from raster_factory import MakeRaster
from scipy import ndimage

from sam_backend.errors import (
    CancelledError,
    CheckpointError,
    LayerError,
    PromptError,
    RasterError,
    StorageError,
    UnavailableError,
)
from sam_backend.geo.protocol.failures import Failure, failure_of
from sam_backend.geo.protocol.perform import answer, perform
from sam_backend.geo.protocol.requests import parse_request
from sam_backend.geo.protocol.run_records import end_record, event_record
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.run_events import Event, Log, Standing, at_most_ten_a_second
from sam_backend.predict.predictor import Predictor

EVERYTHING = {"tile_size": 64, "overlap": 16, "points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0}


@pytest.fixture
def raster(make_raster: MakeRaster) -> Path:
    noise = np.random.default_rng(0).normal(size=(3, 90, 150))
    return make_raster(np.clip(128 + 400 * ndimage.gaussian_filter(noise, (0, 6, 6)), 0, 255).astype(np.uint8))


@pytest.fixture
def host(tiny_predictor: Predictor) -> DirectHost:
    return DirectHost(tiny_predictor)


class Asker:
    """Performs runs over one raster."""

    def __init__(self, host: DirectHost, raster: Path) -> None:
        self.host, self.raster = host, raster
        self.events: list[Event] = []

    def __call__(self, is_cancelled: Callable[[], bool] = lambda: False, **fields: object) -> dict[str, Any]:
        self.events.clear()
        asked = {"op": "run", "raster": str(self.raster), "output": str(self.raster.with_suffix(".gpkg"))}
        request = parse_request(asked | EVERYTHING | fields)
        return perform(request, self.host, self.events.append, is_cancelled)

    @property
    def n_before(self) -> int:
        return next(event.n_finished for event in self.events if isinstance(event, Standing))


@pytest.fixture
def ask(host: DirectHost, raster: Path) -> Asker:
    return Asker(host, raster)


def test_hello_says_who_is_there(host: DirectHost) -> None:
    said = perform(parse_request({"op": "hello"}), host, lambda _: None, lambda: False)
    assert said == {
        "protocol": 1,
        "version": "0.1.0",
        "model": "tiny",
        "model_version": host.predictor.version,
        "device": "cpu",
        "state": "ready",
        "error": None,
    }


@pytest.mark.parametrize("target", ["known", "unknown"])
def test_cancelling_is_the_hosts(host: DirectHost, target: str) -> None:
    said = perform(parse_request({"op": "cancel", "target": target}), host, lambda _: None, lambda: False)
    assert (said, host.cancelled) == ({"found": target == "known"}, [target])


def test_a_run_starts_as_it_is_told(ask: Asker) -> None:
    with pytest.raises(RasterError, match="there is no run's journal"):
        ask(start="resume")
    assert ask(start="new")["tiles"]["n_done"] == 6
    with pytest.raises(RasterError, match="resume goes on with it, restart begins anew, and refilter"):
        ask(start="new")
    ask(start="resume")
    assert ask.n_before == 6
    ask(start="restart")
    assert ask.n_before == 0


@pytest.mark.parametrize(
    ("change", "n_before"),
    [
        ({}, 6),
        ({"min_area": 3}, 6),
        ({"overlap": 8}, 0),
        ({"bands": [1]}, 0),
        ({"ground_size": 0.5}, 0),
        ({"points_per_side": 2}, 0),
    ],
    ids=["same", "other results", "overlap", "bands", "ground size", "points"],
)
def test_by_itself_it_goes_on_only_with_the_very_same(ask: Asker, change: dict[str, object], n_before: int) -> None:
    ask()
    ask(**change)
    assert ask.n_before == n_before


@pytest.mark.parametrize("start", ["auto", "new", "restart"])
def test_what_is_no_journal_is_never_replaced(ask: Asker, start: str) -> None:
    ask.host.wait_for_model = lambda _: pytest.fail("the model was asked for")  # type: ignore[method-assign]
    journal = ask.raster.with_suffix(".gpkg.journal")
    for content in (b"something else", b"", ask.raster.read_bytes()):
        journal.write_bytes(content)
        with pytest.raises(RasterError, match="is no run's journal, and beginning one there would overwrite it"):
            ask(start=start)
        assert journal.read_bytes() == content


def test_a_journal_of_another_version_is_replaced(ask: Asker) -> None:
    journal = Path(ask()["journal"])
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA user_version = 99")
    ask()
    assert ask.n_before == 0


@pytest.mark.parametrize("stage", ["tiles", "healing", "writing"])
def test_a_run_can_be_cancelled_in_every_stage_and_gone_on_with(ask: Asker, stage: str) -> None:
    def is_cancelled() -> bool:
        return any(
            isinstance(event, Standing) and (event.stage, event.n_finished > 0) == (stage, True) for event in ask.events
        )

    ended = ask(is_cancelled)
    assert (ended["state"], ended["objects"], ended["output"]) == ("cancelled", None, None)
    assert ended["tiles"]["n_done"] >= 1
    assert not ask.raster.with_suffix(".gpkg").exists()
    assert not [path for path in ask.raster.parent.iterdir() if path.name.endswith(".unfinished")]
    again = ask()
    assert (again["state"], ask.n_before) == ("complete", ended["tiles"]["n_done"])


def test_what_is_wrong_is_seen_before_the_model_is_asked(ask: Asker, tmp_path: Path) -> None:
    ask.host.wait_for_model = lambda _: pytest.fail("the model was asked for")  # type: ignore[method-assign]
    for fields, error in (
        ({"raster": str(tmp_path / "none.tif")}, RasterError),
        ({"output": str(tmp_path / "none" / "out.gpkg")}, ValueError),
        ({"output": str(tmp_path / "out.doc")}, ValueError),
        ({"compare": True}, ValueError),
    ):
        with pytest.raises(error):
            ask(**fields)


def test_tiles_that_fail_are_told_and_tried_again(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as broken:
        broken.setattr("sam_backend.geo.run.tile_segmenter.generate", fails)
        ended = ask()
    assert ended["state"] == "complete"
    assert ended["tiles"]["failed"][0] == {"tile": 0, "message": "MemoryError: no room"}
    warnings = [event.message for event in ask.events if isinstance(event, Log) and event.level == "warning"]
    assert warnings[0] == "tile 0 failed: MemoryError: no room"
    assert ask(start="resume")["tiles"] == {"n_done": 6, "n_empty": 0, "n_left": 0, "failed": []}


def test_refiltering_needs_no_model(ask: Asker, tmp_path: Path) -> None:
    journal = ask()["journal"]
    ask.host.wait_for_model = lambda _: pytest.fail("the model was asked for")  # type: ignore[method-assign]
    request = parse_request({"op": "refilter", "journal": journal, "output": str(tmp_path / "x.fgb"), "min_area": 9})
    done = perform(request, ask.host, ask.events.append, lambda: False)
    assert done["objects"]["n_filtered"] > 0
    stopped = answer(request, ask.host, ask.events.append, lambda: True)
    assert isinstance(stopped, Failure)
    assert stopped.kind == "unavailable"


def test_features_that_nothing_answers_are_counted(tmp_path: Path, ask: Asker) -> None:
    boxes = tmp_path / "boxes.geojson"
    ring = [[0, 0], [20, 0], [20, 20], [0, 20], [0, 0]]
    places = ([300_010, 4_999_970], [400_000, 4_999_970])
    features = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [[[x + dx, y + dy] for dx, dy in ring]]},
        }
        for x, y in places
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32636"}}
    boxes.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    prompted = {name: None for name in EVERYTHING if name not in ("tile_size", "overlap")}
    ended = ask(**prompted, prompts=str(boxes), prompt_kind="boxes")
    n_found = Journal.open_existing(Path(ended["journal"])).findings(0) + Journal.open_existing(
        Path(ended["journal"])
    ).findings(1)
    assert ended["objects"]["n_unanswered"] == 2 - len(n_found) >= 1


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (PromptError("no prompt"), "bad_request", "no prompt"),
        (RasterError("no raster"), "raster", "no raster"),
        (LayerError("no layer"), "layer", "no layer"),
        (CheckpointError("no weights"), "model", "no weights"),
        (StorageError("no room"), "storage", "no room"),
        (UnavailableError("later"), "unavailable", "later"),
        (CancelledError("not wanted"), "unavailable", "not wanted"),
        (OSError(errno.ENOSPC, "No space left on device"), "storage", "No space left on device"),
        (MemoryError(), "out_of_memory", "MemoryError"),
        (torch.OutOfMemoryError("CUDA out of memory.\nTried"), "out_of_memory", "CUDA out of memory."),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "out_of_memory", "can't allocate"),
        (RuntimeError("odd"), "internal", "RuntimeError: odd"),
        (OSError(errno.EIO, "Input/output error"), "internal", "Input/output error"),
        (KeyError(), "internal", "KeyError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_a_kind_and_one_sentence(
    error: Exception, kind: str, sentence: str, host: DirectHost, caplog: pytest.LogCaptureFixture
) -> None:
    failure = failure_of(error)
    assert failure.kind == kind
    assert sentence in failure.message
    assert "\n" not in failure.message
    assert bool(caplog.records) == (kind == "internal")  # with its traceback
    assert end_record(failure) == {"event": "error", "kind": kind, "message": failure.message}

    def fail(_: object) -> Predictor:
        raise error

    host.wait_for_model = fail  # type: ignore[method-assign]
    request = parse_request({"op": "prefetch", "raster": "x", "view_px": [0, 0, 9, 9]})
    assert answer(request, host, lambda _: None, lambda: False) == failure


def test_standings_come_at_most_ten_a_second_but_none_that_matters_is_lost() -> None:
    told: list[Event] = []
    emit = at_most_ten_a_second(told.append)
    for n_finished in range(100):
        emit(Standing("tiles", 99, n_finished, 0, 0, 0.5, 0.25))
        emit(Log("info", "x")) if n_finished == 50 else None
    emit(Standing("healing", 99, 90, 9, 0, 0.5, None))
    standings = [event for event in told if isinstance(event, Standing)]
    assert standings[0].n_finished == 0
    assert standings[-2].n_finished == 99
    assert standings[-1].stage == "healing"
    assert len(standings) < 20
    assert Log("info", "x") in told
    assert event_record(standings[0]) == {
        "event": "progress",
        "stage": "tiles",
        "n_tiles": 99,
        "n_finished": 0,
        "n_failed": 0,
        "n_findings": 0,
        "seconds": 0.5,
        "seconds_left": 0.25,
    }
