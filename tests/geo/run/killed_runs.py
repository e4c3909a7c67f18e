"""Begins a run again and again, kills it at a random moment, goes on with it, and compares what comes of it.

A program of its own: it forks before PyTorch has started any thread, so that each run costs no start-up.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio
import torch

from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.predictor import load_sam


def main(raster: Path, checkpoint: str, folder: Path, n_times: int) -> None:
    torch.set_num_threads(1)
    options = AutomaticOptions(points_per_side=3, pred_iou_thresh=0.0, stability_score_thresh=0.0)

    def work(name: str, resumes: bool) -> None:
        request = RunRequest(
            raster=raster, journal=folder / f"{name}.journal", tile_px=64, overlap_px=16, automatic=options
        )
        run = (RasterRun.resume if resumes else RasterRun.begin)(request, load_sam(checkpoint, device="cpu"))
        run.run()
        run.heal()
        write_results(run.journal, folder / f"{name}.gpkg", ResultOptions())

    started = time.monotonic()
    assert in_child(lambda: work("whole", resumes=False)) == 0
    duration_s = time.monotonic() - started
    wanted = features(folder / "whole.gpkg")
    assert len(wanted) > 20
    rng = np.random.default_rng(0)
    n_killed = 0
    for index in range(n_times):
        name = f"run{index}"
        started = time.monotonic()
        status = in_child(lambda name=name: work(name, resumes=False), rng.uniform(0.2, 1.0) * duration_s)
        if status == signal.SIGKILL:
            n_killed += 1
        else:  # The machine got faster: aim at what a run takes now.
            duration_s = min(duration_s, time.monotonic() - started)
        has_begun = (folder / f"{name}.journal").exists()
        assert in_child(lambda name=name, has_begun=has_begun: work(name, resumes=has_begun)) == 0
        assert features(folder / f"{name}.gpkg") == wanted, f"run {index} came to something else"
    sys.stdout.write(f"{n_killed} of {n_times} killed, {len(wanted)} features each\n")


def in_child(work: Callable[[], None], kill_after_s: float | None = None) -> int:
    """Run in a process of its own; its status, or the signal that ended it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def features(path: Path) -> list[str]:
    """All rows of the objects, geometry and attributes; as text, since what is missing comes as not-a-number."""
    meta, _, wkb, values = pyogrio.raw.read(path, layer="objects")
    assert "score" in meta["fields"]
    return [repr(row) for row in zip(wkb.tolist(), *(column.tolist() for column in values), strict=True)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
