"""How many clicks a second, for how many users, from how many workers; and what becomes of those that are too many.

    .bench/models/bin/python -m benchmarks.service.bench_load

Real gunicorns over a folder of embeddings; pictures (1500 x 1000) come from a server beside them. First users click
without a pause on pictures that are encoded already; then 32 users click on pictures never seen, all at once, while
somebody else goes on with a picture that is; then the service is told to stop in the midst of clicks. It ends with an
error where a click hung or an accepted one was lost. Writes LOAD.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.service.bodies import jpeg
from benchmarks.service.load import HUNG, LOST, MASK, MESSAGE, REFUSED, Click, Outcome, clicks_on, keep_clicking
from benchmarks.service.picture_host import hosted
from benchmarks.service.running_service import RunningService, percentiles_ms, running_service
from benchmarks.service.spots import clear_spots_xy
from benchmarks.suite.networks import build_networks
from benchmarks.suite.realistic import make_realistic
from benchmarks.suite.scene import picture
from benchmarks.suite.stage import IMAGE_HW, NARROW, VITS
from sam_backend.predict.predictor import Predictor, load_sam

REPORT = Path(__file__).with_name("LOAD.md")
N_PICTURES = 4
N_CROWD = 32
"""Users at once past saturation, and when the service is stopped."""

POINTS_TO_FIT = 16
"""A side, to make the seeded weights answer like trained ones."""

BEFORE_STOP_S = 3.0
WARM_HEADER = ("model", "workers", "users", "clicks/s", "p50", "p95", "longest", "encoded meanwhile", "not a mask")
CROWD_HEADER = ("who", "clicks", "masks", "messages", "other answers", "hung", "p50 of masks", "longest answer")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a service runs, and where to click in it."""

    name: str
    weights: str
    """As SAM_MODEL."""

    spots_xy: NDArray[np.float64]


def main() -> None:
    """Measure, write, judge."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    image, files = picture(IMAGE_HW), dict[str, bytes]()
    for number in range(N_PICTURES + N_CROWD):
        files[f"{number}.jpg"] = jpeg(_changed(image, number))
    with tempfile.TemporaryDirectory() as name, hosted(files) as url:
        folder = Path(name)
        models = [_seeded_vit_b(folder, image, options), _embedded(image)]
        warm_rows = [row for model in models for row in _warm(model, folder, url, options)]
        crowd, click, probe = _past_saturation(models[0], folder, url, options)
        stopped = _stop_under_load(models[1], folder, url, options)
    report = TEXT.format(
        command=" ".join(["python -m benchmarks.service.bench_load", *sys.argv[1:]]),
        warm=table(WARM_HEADER, warm_rows),
        crowd=table(
            CROWD_HEADER, [_crowd_cells(f"{N_CROWD} users, cold", crowd), _crowd_cells("one user, warm", click)]
        ),
        health=f"{probe:.2f}",
        stopped=_stopped_sentence(stopped),
        threads=options.threads,
        machine=describe_machine(),
        quick="\n**A narrow encoder stood in for ViT-B, and all was short: this only shows that it works.**"
        if options.quick
        else "",
    )
    options.to.write_text(report, encoding="utf-8")
    print(report)
    sys.exit(_fault(crowd, click, stopped))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="of clicking for each row (8)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, in each worker (1)")
    parser.add_argument("--quick", action="store_true", help="show that it works, with a narrow encoder")
    parser.add_argument("--service-python", type=Path, help="of the environment of the service; default: this one")
    parser.add_argument("--to", type=Path, default=REPORT, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.workers, options.users = 2.0, [1, 2], [1, 8]
    return options


def _changed(image: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """The same picture but for one patch, so that its objects lie where they did."""
    changed = image.copy()
    changed[:8, :8] = 6 * number
    return changed


def _seeded_vit_b(folder: Path, image: NDArray[np.uint8], options: argparse.Namespace) -> Model:
    with torch.inference_mode():
        networks = build_networks(NARROW if options.quick else VITS["B"])
        make_realistic(networks.ours, image, 4 if options.quick else POINTS_TO_FIT)
        path = folder / "vit_b_seeded.pth"
        torch.save(networks.official.state_dict(), path)
        return Model("ViT-B", str(path), clear_spots_xy(networks.ours, image))


def _embedded(image: NDArray[np.uint8]) -> Model:
    predictor: Predictor = load_sam("embedded", device="cpu")
    return Model("embedded", "embedded", clear_spots_xy(predictor, image))


def _environ(model: Model, folder: Path, options: argparse.Namespace) -> MutableMapping[str, str]:
    cache = folder / f"cache-{model.name}"
    threads = str(options.threads)
    return {"SAM_MODEL": model.weights, "SAM_CACHE_URL": f"file://{cache}", "OMP_NUM_THREADS": threads}


def _warm(model: Model, folder: Path, url: str, options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    click = clicks_on(url, model.spots_xy, IMAGE_HW, N_PICTURES)
    for n_workers in options.workers:
        with running_service(
            folder,
            python=options.service_python,
            n_workers=n_workers,
            n_threads=16,
            **_environ(model, folder, options),
        ) as service:
            n_rounds = 3 * n_workers  # so that every worker has seen every picture
            keep_clicking(service, click, range(N_PICTURES), lambda number, n=n_rounds: number >= n)
            for n_users in options.users:
                n_before = _n_encoded(service)
                until_s = time.monotonic() + options.seconds
                outcome = keep_clicking(service, click, range(n_users), lambda _, end=until_s: time.monotonic() > end)
                cells = _warm_cells(outcome, _n_encoded(service) - n_before)
                print(model.name, n_workers, n_users, *cells, sep="  ", flush=True)
                yield model.name, str(n_workers), str(n_users), *cells


def _warm_cells(outcome: Outcome, n_encoded: int) -> tuple[str, ...]:
    p50, p95 = percentiles_ms(outcome.seconds)
    others = sum(outcome.counts.values()) - outcome.counts[MASK]
    times = (f"{p50:.0f} ms", f"{p95:.0f} ms", f"{1000 * outcome.longest_s:.0f} ms")
    return f"{outcome.per_s:.1f}", *times, str(n_encoded), str(others)


def _n_encoded(service: RunningService) -> int:
    lines = requests.get(f"{service.url}/metrics", timeout=60).text.splitlines()
    return sum(round(float(line.split()[-1])) for line in lines if line.startswith("sam_backend_encode_seconds_count"))


def _past_saturation(
    model: Model, folder: Path, url: str, options: argparse.Namespace
) -> tuple[Outcome, Outcome, float]:
    """What became of the crowd's clicks, of those of somebody with a warm picture, and the longest /health."""
    cold = clicks_on(url, model.spots_xy, IMAGE_HW, N_PICTURES + N_CROWD)
    settings = _environ(model, folder, options)
    with running_service(folder, python=options.service_python, n_threads=16, **settings) as service:
        keep_clicking(service, cold, range(1), lambda number: number >= 3)
        is_over = threading.Event()
        beside = Beside(service, cold, is_over)
        beside.start()
        crowd = keep_clicking(service, cold, range(N_PICTURES, N_PICTURES + N_CROWD), lambda number: number >= 1)
        is_over.set()
        beside.join()
    return crowd, beside.outcome, beside.longest_health_s


class Beside(threading.Thread):
    """Somebody who works on a warm picture while the crowd is there, and a look at /health now and then."""

    def __init__(self, service: RunningService, click: Click, is_over: threading.Event) -> None:
        super().__init__()
        self.outcome, self.longest_health_s = Outcome(), 0.0
        self._service, self._click, self._is_over = service, click, is_over

    def run(self) -> None:
        """Until it is over."""
        watch = threading.Thread(target=self._watch_health)
        watch.start()
        self.outcome = keep_clicking(self._service, self._click, range(1), lambda _: self._is_over.is_set())
        watch.join()

    def _watch_health(self) -> None:
        while not self._is_over.wait(0.2):
            asked_s = time.perf_counter()
            requests.get(f"{self._service.url}/health", timeout=60).raise_for_status()
            self.longest_health_s = max(self.longest_health_s, time.perf_counter() - asked_s)


def _stop_under_load(model: Model, folder: Path, url: str, options: argparse.Namespace) -> Outcome:
    click = clicks_on(url, model.spots_xy, IMAGE_HW, N_PICTURES)
    settings = _environ(model, folder, options)
    with running_service(folder, python=options.service_python, n_workers=2, n_threads=16, **settings) as service:
        keep_clicking(service, click, range(N_PICTURES), lambda number: number >= 3)
        stopping = threading.Timer(BEFORE_STOP_S, service.process.terminate)
        stopping.start()
        return keep_clicking(service, click, range(N_CROWD), lambda _: False)


def _crowd_cells(name: str, outcome: Outcome) -> tuple[str, ...]:
    counts = outcome.counts
    others = {what: n for what, n in counts.items() if what not in (MASK, MESSAGE, HUNG)}
    shown = ", ".join(f"{n} x {what}" for what, n in sorted(others.items())) or "0"
    p50 = f"{percentiles_ms(outcome.seconds)[0]:.0f} ms" if outcome.seconds else "-"
    numbers = (str(sum(counts.values())), str(counts[MASK]), str(counts[MESSAGE]), shown, str(counts[HUNG]))
    return name, *numbers, p50, f"{outcome.longest_s:.1f} s"


def _stopped_sentence(outcome: Outcome) -> str:
    counts = outcome.counts
    return (
        f"{N_CROWD} users, two workers, SIGTERM after {BEFORE_STOP_S:g} s: {counts[MASK]} clicks were answered with a "
        f"mask and {counts[MESSAGE]} with a message, {counts[REFUSED]} were refused since nobody listened any more, "
        f"{counts[LOST]} were lost, {counts[HUNG]} hung"
    )


def _fault(crowd: Outcome, click: Outcome, stopped: Outcome) -> str | None:
    faults = [f"{outcome.counts[HUNG]} clicks hung" for outcome in (crowd, click, stopped) if outcome.counts[HUNG]]
    if stopped.counts[LOST]:
        faults.append(f"{stopped.counts[LOST]} clicks were lost at SIGTERM")
    return "; ".join(faults) or None


TEXT = """# Under load

    {command}

Users who click without a pause, through real gunicorns of 16 threads a worker, {threads} of PyTorch each, over a folder
of embeddings. Pictures have 1500 x 1000 px; a click begins a new object each time; brush RLE back; every click over a
new connection, as Label Studio's are. ViT-B has seeded weights, fitted so that its masks look like a trained network's.
{quick}

## Pictures that are encoded already

{warm}

*Encoded meanwhile* should be 0, or clicks had to wait for more than the decoder.

## Past saturation: ViT-B, one worker, {crowd_users} users on as many pictures never seen, at once

{crowd}

Messages stand in the editor's text area; without one it is 503. The longest answer of /health meanwhile took
{health} s; Label Studio waits for one second.

## Told to stop in the midst of it

{stopped}.

Measured on {machine}.
""".replace("{crowd_users}", str(N_CROWD))


if __name__ == "__main__":
    main()
