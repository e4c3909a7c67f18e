"""Run the suite and write its report: ``make bench``, or of some parts ``make bench ARGS="--only encode,click"``."""

from __future__ import annotations

import argparse
import os
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from benchmarks.suite import measurement
from benchmarks.suite.automatic import measure_automatic
from benchmarks.suite.click import measure_click
from benchmarks.suite.codecs import measure_codecs
from benchmarks.suite.encode import measure_encode
from benchmarks.suite.growth import measure_growth
from benchmarks.suite.measurement import Measurement
from benchmarks.suite.plot import draw
from benchmarks.suite.profile import measure_profile
from benchmarks.suite.report import PLOT_NAME, render
from benchmarks.suite.sdk import SdkBrush
from benchmarks.suite.stage import Stage
from sam_backend.predict.heap import use_one_heap

PARTS: dict[str, Callable[[Stage], Iterator[Measurement]]] = {
    "encode": measure_encode,
    "click": measure_click,
    "automatic": measure_automatic,
    "codecs": measure_codecs,
    "growth": measure_growth,
    "profile": measure_profile,
}


def main() -> None:
    """Measure, keep, report."""
    arguments = _read_arguments()
    use_one_heap()  # as our command line does
    torch.set_num_threads(arguments.threads)
    kept = measurement.read(arguments.json) if arguments.only else []
    wanted = arguments.only.split(",") if arguments.only else list(PARTS)
    with SdkBrush(arguments.sdk_python) as sdk:
        stage = Stage(arguments.quick, arguments.threads, sdk)
        failed = []
        for name in wanted:
            started = time.perf_counter()
            try:
                found = _told(PARTS[name](stage))
            except Exception:  # noqa: BLE001 -- a long run's other parts are worth having
                traceback.print_exc()
                failed.append(name)
                continue
            kept = [one for one in kept if not one.part.startswith(name)] + found
            measurement.write(kept, arguments.json)
            print(f"{name}: {time.perf_counter() - started:.0f} s")
        stage.close()
    _report(kept, arguments.to, arguments.threads)
    if failed:
        raise SystemExit(f"these parts failed: {', '.join(failed)}; run them again with --only")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    parser.add_argument("--only", help=f"parts to run, joined by commas: {', '.join(PARTS)}; others are kept")
    parser.add_argument("--quick", action="store_true", help="show that it works: a narrow encoder, one turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--sdk-python", type=Path, default=Path(".sdk/bin/python"))
    parser.add_argument("--json", type=Path, help="default: .bench/results.json, .bench/quick.json if quick")
    parser.add_argument("--to", type=Path, help="folder of the report; default: benchmarks, .bench if quick")
    arguments = parser.parse_args()
    if arguments.only and not set(arguments.only.split(",")) <= PARTS.keys():
        parser.error(f"--only knows {', '.join(PARTS)}, got {arguments.only}")
    arguments.json = arguments.json or Path(".bench/quick.json" if arguments.quick else ".bench/results.json")
    arguments.to = arguments.to or Path(".bench" if arguments.quick else "benchmarks")
    return arguments


def _told(measurements: Iterator[Measurement]) -> list[Measurement]:
    """All of a part, each told of as it comes."""
    found = []
    for one in measurements:
        times = ", ".join(f"{name} {one.median_s(name):.4g} s" for name in one.seconds)
        print(f"{one.part} | {one.case} | {times}", *one.remarks, sep="\n    ", flush=True)
        found.append(one)
    return found


def _report(measurements: list[Measurement], folder: Path, n_threads: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draw(measurements, folder / PLOT_NAME)
    (folder / "RESULTS.md").write_text(render(measurements, n_threads), encoding="utf-8")
    print(f"wrote {folder / 'RESULTS.md'} and {PLOT_NAME}")


if __name__ == "__main__":
    main()
