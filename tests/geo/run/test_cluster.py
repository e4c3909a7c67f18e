"""Runs by real dask workers, which are killed, lost, unfit or missing: what comes of a raster stays the same."""

import itertools
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
import torch
from dask_processes import Nursery, Process
from distributed import Client, LocalCluster
from raster_factory import UTM_TRANSFORM
from scipy import ndimage

from sam_backend.__main__ import main
from sam_backend.errors import ClusterError, MissingExtraError
from sam_backend.geo.run.cluster import connection
from sam_backend.geo.run.cluster.connection import check_workers
from sam_backend.geo.run.cluster.needs import ModelSource, Needs
from sam_backend.geo.run.cluster.tile_work import _workplace
from sam_backend.geo.run.cluster.tiles import ClusterTiles
from sam_backend.geo.run.engine import Progress
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.predictor import Predictor

HEIGHT_PX, WIDTH_PX = 150, 200
EVERYTHING = AutomaticOptions(points_per_side=3, pred_iou_thresh=0.0, stability_score_thresh=0.0)
Begin = Callable[..., RasterRun]
Rows = dict[int, list[tuple[object, ...]]]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As workers have it, for the same to the last bit."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("dask"))
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def scheduler(nursery: Nursery) -> Process:
    """With two workers that no test kills."""
    scheduler = nursery.scheduler()
    for _ in range(2):
        nursery.worker(scheduler)
    return scheduler


@pytest.fixture(scope="module")
def near() -> Iterator[Process]:
    """A scheduler and two workers that are threads of this process."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "protocol": "tcp", "host": "127.0.0.1"}
    with LocalCluster(dashboard_address=":0", worker_dashboard_address=":0", **options) as cluster:
        yield Process(os.getpid(), cluster.scheduler_address)


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(3, HEIGHT_PX, WIDTH_PX)), (0, 6, 6))
    path = tmp_path_factory.mktemp("raster") / "raster.tif"
    options = {"driver": "GTiff", "height": HEIGHT_PX, "width": WIDTH_PX, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32636", transform=UTM_TRANSFORM, **options) as opened:
        opened.write(np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def model(tiny_predictor: Predictor, tiny_checkpoint: Path) -> ModelSource:
    return ModelSource.of(str(tiny_checkpoint), "cpu", "float32", compiled=False, version=tiny_predictor.version)


@pytest.fixture(scope="module")
def begin(raster: Path, tiny_predictor: Predictor) -> Begin:
    numbers = itertools.count()

    def call(**changes: object) -> RasterRun:
        journal = raster.with_suffix(f".journal{next(numbers)}")
        asked = {"raster": raster, "journal": journal, "tile_px": 64, "overlap_px": 16, "automatic": EVERYTHING}
        return RasterRun.begin(RunRequest(**(asked | changes)), tiny_predictor)

    return call


@pytest.fixture(scope="module")
def wanted(begin: Begin) -> Rows:
    """What one process comes to."""
    return alone(begin())


def alone(run: RasterRun) -> Rows:
    run.run()
    return rows(run.journal)


def rows(journal: Journal) -> Rows:
    return {index: [one.to_row() for one in journal.findings(index)] for index in journal.finished()}


def reach(scheduler: Process, run: RasterRun, model: ModelSource) -> ClusterTiles:
    return ClusterTiles.of(scheduler.address, run, model)


def test_two_workers_come_to_the_same_as_one_process(
    scheduler: Process, begin: Begin, model: ModelSource, raster: Path, wanted: Rows
) -> None:
    assert check_workers(scheduler.address, Needs.of(raster, model)) == 2
    run = begin()
    summary = run.run(stream=reach(scheduler, run, model))
    assert (summary.state, summary.n_done, summary.failed) == ("complete", len(run.tiles), ())
    assert rows(run.journal) == wanted
    assert sum(map(len, wanted.values())) > 20


def test_prompts_travel_with_their_tile(near: Process, begin: Begin, model: ModelSource, tmp_path: Path) -> None:
    shapes = [shapely.Point(300_010 + 8 * index, 4_999_990 - 6 * index).buffer(6) for index in range(8)]
    geopandas.GeoDataFrame(geometry=shapes, crs="EPSG:32636").to_file(tmp_path / "asked.gpkg")
    here, there = (begin(prompts=tmp_path / "asked.gpkg") for _ in range(2))
    assert there.run(stream=reach(near, there, model)).failed == ()
    assert rows(there.journal) == alone(here)
    assert sum(map(len, rows(there.journal).values())) >= 4


def test_a_killed_worker_loses_nothing(
    nursery: Nursery, scheduler: Process, begin: Begin, model: ModelSource, wanted: Rows
) -> None:
    victims = [nursery.worker(scheduler) for _ in range(2)]
    run = begin()

    def kill_one(progress: Progress) -> None:
        if progress.n_finished in (1, 4):
            victims.pop().signal(signal.SIGKILL)

    summary = run.run(kill_one, stream=reach(scheduler, run, model))
    assert victims == []
    assert (summary.state, summary.failed) == ("complete", ())
    assert rows(run.journal) == wanted


def test_tiles_that_workers_die_of_are_named_and_tried_again(
    nursery: Nursery, begin: Begin, model: ModelSource, wanted: Rows
) -> None:
    strict = nursery.scheduler(**{"distributed.scheduler.allowed-failures": 0})
    victim = nursery.worker(strict)
    run = begin()

    def kill(progress: Progress) -> None:
        if progress.n_finished == 1:
            victim.signal(signal.SIGKILL)
            nursery.worker(strict)

    summary = run.run(kill, stream=reach(strict, run, model))
    assert summary.state == "complete"
    assert 1 <= len(summary.failed) <= 2
    assert summary.failed[0].message.startswith(f"1 workers died while they had it, the last one at {victim.address}")
    assert run.run(stream=reach(strict, run, model)).failed == ()
    assert rows(run.journal) == wanted


def test_cancelling_waits_for_no_worker_and_leaves_it_nothing_to_do(
    nursery: Nursery, begin: Begin, model: ModelSource
) -> None:
    scheduler = nursery.scheduler()
    stuck = nursery.worker(scheduler)
    run, seen = begin(), list[Progress]()

    def see(progress: Progress) -> None:
        seen.append(progress)
        stuck.signal(signal.SIGSTOP)
        asked_s.append(time.monotonic() + 0.3)

    asked_s: list[float] = []
    summary = run.run(see, lambda: bool(asked_s) and time.monotonic() > asked_s[0], reach(scheduler, run, model))
    assert time.monotonic() - asked_s[0] < 10  # promised is one second
    assert summary.state == "cancelled"
    assert summary.n_left == len(run.tiles) - len(seen)
    assert eventually(lambda: tasks_of(scheduler) == 0)


def tasks_of(scheduler: Process) -> int:
    with Client(scheduler.address, set_as_default=False) as client:
        return int(client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))


def eventually(is_so: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + 100  # of a busy machine
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.1)
    return is_so()


def test_without_workers_the_run_says_so_and_waits(
    nursery: Nursery,
    begin: Begin,
    model: ModelSource,
    wanted: Rows,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scheduler, run = nursery.scheduler(), begin()
    stream = replace(reach(scheduler, run, model), patience_s=0.3)
    with caplog.at_level(logging.WARNING, "sam_backend"):
        assert run.run(is_cancelled=lambda: bool(caplog.messages), stream=stream).state == "cancelled"
    (said,) = caplog.messages
    assert said.endswith(f"still waiting; start some with `dask worker {scheduler.address}`")
    nursery.worker(scheduler)
    assert run.run(stream=stream).state == "complete"
    assert rows(run.journal) == wanted


def test_a_lost_scheduler_is_one_error_and_the_run_goes_on_later(
    nursery: Nursery, begin: Begin, model: ModelSource, wanted: Rows
) -> None:
    scheduler = nursery.scheduler()
    nursery.worker(scheduler)
    run = begin()

    def kill(progress: Progress) -> None:
        if progress.n_finished == 2:
            scheduler.signal(signal.SIGKILL)

    with pytest.raises(ClusterError, match=r"the scheduler at tcp://.* is gone.*go on with --resume"):
        run.run(kill, stream=reach(scheduler, run, model))
    assert 2 <= len(run.journal.finished()) < len(run.tiles)
    alone(run)
    assert rows(run.journal) == wanted


def test_an_unreachable_scheduler_is_one_sentence(
    raster: Path, model: ModelSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 0.5)
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"no dask scheduler answers at {address} .*start one with"):
            check_workers(address, Needs.of(raster, model))
    with pytest.raises(ClusterError, match="no dask scheduler answers at strange://place"):
        check_workers("strange://place", Needs.of(raster, model))


def test_a_worker_that_lacks_something_is_named(near: Process, raster: Path, model: ModelSource) -> None:
    needs = Needs.of(raster, model)
    for unmet, sentence in (
        (replace(needs, raster="/nowhere/map.tif"), "/nowhere/map.tif can't be read there"),
        (replace(needs, n_bytes=7), r"bytes there and 7 here"),
        (replace(needs, model=replace(model, checkpoint="/nowhere/tiny.pth")), "no checkpoint '/nowhere/tiny.pth'"),
        (
            replace(needs, model=replace(model, version="tiny-00000000")),
            rf"its weights are {model.version}, those of the run are tiny-00000000",
        ),
    ):
        with pytest.raises(ClusterError, match=rf"the worker tcp://\S+ can't work on this run \(nor .*{sentence}"):
            check_workers(near.address, unmet)


def test_a_worker_that_comes_later_and_lacks_something_is_named(
    near: Process, begin: Begin, model: ModelSource, raster: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "raster.tif"
    copied.write_bytes(raster.read_bytes())
    run = begin(raster=copied)
    stream = reach(near, run, model)
    copied.unlink()
    with pytest.raises(ClusterError, match=r"the worker tcp://\S+ can't work on this run: .*raster\.tif can't be read"):
        run.run(stream=stream)


def test_a_tile_that_fails_names_the_worker_and_the_others_go_on(
    near: Process, begin: Begin, model: ModelSource, tmp_path: Path
) -> None:
    square = shapely.box(300_010, 4_999_970, 300_020, 4_999_990)
    geopandas.GeoDataFrame(geometry=[square], crs="EPSG:32636").to_file(tmp_path / "asked.gpkg")
    run = begin(prompts=tmp_path / "asked.gpkg")
    ((index, (prompt,)),) = run.segmenter.prompts.items()
    strange = replace(prompt, points_xy=prompt.points_xy + 1000)
    summary = run.run(stream=replace(reach(near, run, model), prompts={index: [strange]}))
    (report,) = summary.failed
    assert report.message.startswith("PromptError: the point")
    assert report.message.endswith(")")
    assert "(worker tcp://127.0.0.1:" in report.message


def test_machines_without_the_program_are_told_to_install_it(
    begin: Begin, model: ModelSource, raster: Path, tmp_path: Path
) -> None:
    with bare_cluster(tmp_path) as bare:
        found: list[str] = []

        def names_the_worker() -> bool:
            try:
                check_workers(bare.address, Needs.of(raster, model))
            except ClusterError as error:
                found.append(str(error))
            return bool(found)

        assert eventually(names_the_worker)
        assert re.match(r"the worker tcp://\S+ can't work .*No module named 'sam_backend'.*: install this", found[0])
        run = begin()
        with pytest.raises(ClusterError, match=r"can't work on tiles .*install this same version"):
            run.run(stream=reach(bare, run, model))


@contextmanager
def bare_cluster(folder: Path) -> Iterator[Process]:
    """A scheduler and a worker where nobody has installed this program, started as people do."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> int:
        program = [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--dashboard-address", ":0"]
        with (folder / f"{words[0]}.log").open("wb") as log:
            started.append(subprocess.Popen(program, cwd=folder, env=environment, stdout=log, stderr=log))
        return started[-1].pid

    try:
        file = folder / "scheduler.json"
        pid = start("scheduler", "--port", "0", "--scheduler-file", str(file))
        assert eventually(lambda: file.exists() and file.read_text().endswith("}"))
        address = json.loads(file.read_text())["address"]
        start("worker", address, "--no-nanny")
        yield Process(pid, address)
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_tiles_go_to_gpus_where_there_are_any(nursery: Nursery, begin: Begin, model: ModelSource, wanted: Rows) -> None:
    scheduler = nursery.scheduler()
    with_gpu, plain = nursery.worker(scheduler, resources={"GPU": 1}), nursery.worker(scheduler)
    run = begin()
    run.run(stream=reach(scheduler, run, model))
    assert rows(run.journal) == wanted
    assert tiles_done(scheduler) == {with_gpu.address: len(run.tiles), plain.address: 0}


def tiles_done(scheduler: Process) -> dict[str, int]:
    """By worker: each tile asks for its workplace once."""
    with Client(scheduler.address, set_as_default=False) as client:
        return dict(client.run(lambda: sum(_workplace.cache_info()[:2])))


def test_without_the_library_one_sentence_says_how_to_get_it(
    raster: Path, model: ModelSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"isn't installed: install it with pip install 'sam-backend\[scale\]'"):
        check_workers("tcp://127.0.0.1:1", Needs.of(raster, model))


def test_the_command_line_has_the_tiles_worked_on_elsewhere(
    near: Process, raster: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--tile-size", 64, "--overlap", 16, "--points-per-side", 3, "--pred-iou-thresh", 0]
    words += ["--stability-score-thresh", 0, "--checkpoint", tiny_checkpoint, "--device", "cpu"]
    here, there = tmp_path / "here.gpkg", tmp_path / "there.gpkg"
    assert main([*map(str, ["raster", raster, here, *words])]) == 0
    assert main([*map(str, ["raster", raster, there, *words, "--scheduler", near.address])]) == 0
    assert f"workers of {near.address}: 2" in capsys.readouterr().err
    found = [geopandas.read_file(path, layer="objects") for path in (here, there)]
    assert len(found[0]) > 5
    assert found[0].equals(found[1])
