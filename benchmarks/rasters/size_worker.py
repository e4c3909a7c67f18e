"""One run over a raster in a process of its own, so that its peak memory is its own: prints what it took as JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.rasters.bright_discs import BrightDiscs
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.predictor import load_sam

LOW = {"pred_iou_thresh": 0.25, "stability_score_thresh": 0.25}


def main(words: Sequence[str] | None = None) -> None:
    """Run, write the map file, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raster", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--points-per-side", type=int, default=0, help="for the model; 0: the stand-in")
    arguments = parser.parse_args(words)
    automatic = AutomaticOptions(points_per_side=arguments.points_per_side or 1, **LOW)
    journal = arguments.output.with_suffix(".journal")
    predictor = load_sam("embedded", device="cpu")
    started = time.process_time(), time.perf_counter()
    run = RasterRun.begin(RunRequest(raster=arguments.raster, journal=journal, automatic=automatic), predictor)
    if not arguments.points_per_side:
        run = replace(run, segmenter=BrightDiscs())
    summary = run.run()
    run.heal()
    written = write_results(run.journal, arguments.output, ResultOptions())
    took = {"cpu_s": time.process_time() - started[0], "wall_s": time.perf_counter() - started[1]}
    facts = {"n_tiles": len(run.tiles), "n_failed": len(summary.failed), "n_objects": written.n_objects}
    print(json.dumps({**took, **facts, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """The high-water mark of this process. ``ru_maxrss`` may be that of the one that started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
