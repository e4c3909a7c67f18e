"""Many clicks over many pictures: is memory flat, does the cache stay within its cap, how long does a click take?

    python -m benchmarks.service.soak

The whole service in this process, with real requests and generated pictures; no network in between. A person clicks
some times on one picture, then goes on to another, which may have been seen before. Requests go round eight threads,
as many as gunicorn gives the service, since each may hold on to memory of its own. It ends with an error if a request
fails, memory grows by more than 5 % over the first fifth of the run, or the folder of the cache exceeds its cap.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from flask.testing import FlaskClient

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.service.bodies import click_body, png_uri, point_item
from benchmarks.service.spotted import SpottedPicture
from sam_backend.service.app import create_app
from sam_backend.settings import Settings

HW = (480, 640)
N_REPORTS = 20
"""Parts of a run."""

N_WARM_UP = 4
"""Of them: memory that is held from then on counts."""

MOST_GROWTH = 0.05
N_THREADS = 8
"""Of gunicorn_conf."""

HEADER = ("clicks", "p50 ms", "p95 ms", "resident MB", "folder of the cache MB")


def main() -> None:
    """Click, print a row for each part of the run, and judge."""
    options = _arguments()
    print(f"{describe_machine()}\n\n{vars(options)}\n")
    with tempfile.TemporaryDirectory() as folder:
        client = create_app(_settings(options, folder)).test_client()
        rows, resident_mb, most_folder_mb = [], [], 0.0
        took_ms: list[float] = []
        threads = [ThreadPoolExecutor(1) for _ in range(N_THREADS)]
        for number, body in enumerate(_bodies(options), 1):
            took_ms.append(threads[number % N_THREADS].submit(_ask, client, body).result())
            if number % max(1, options.clicks // N_REPORTS) == 0:
                resident_mb.append(_resident_mb())
                most_folder_mb = max(most_folder_mb, folder_mb := _folder_mb(Path(folder)))
                p50, p95 = np.percentile(took_ms, [50, 95])
                rows.append((str(number), f"{p50:.0f}", f"{p95:.0f}", f"{resident_mb[-1]:.0f}", f"{folder_mb:.0f}"))
                print("   ".join(rows[-1]), flush=True)
                took_ms.clear()
    print(table(HEADER, rows))
    sys.exit(_judge(resident_mb, most_folder_mb, options.cache_disk_mb))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=5000)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--visit", type=int, default=10, help="clicks on one picture before going on")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache-mb", type=int, default=128)
    parser.add_argument("--cache-disk-mb", type=int, default=400)
    return parser.parse_args()


def _settings(options: argparse.Namespace, folder: str) -> Settings:
    return Settings(
        data_folder=Path(folder) / "data",
        model=options.model,
        device="cpu",
        cache_url=f"file://{folder}",
        cache_mb=options.cache_mb,
        cache_disk_mb=options.cache_disk_mb,
    )


def _bodies(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Requests of one person: four in five are clicks on an object, the others say "not this"."""
    random = np.random.default_rng(0)
    for number in range(options.clicks):
        if number % options.visit == 0:
            picture = int(random.integers(options.pictures))
            spotted = SpottedPicture(HW, seed=picture)
            uri = png_uri(spotted.pixels)
        x_px, y_px = spotted.centres_xy[random.integers(len(spotted.centres_xy))] + random.normal(0, 4, 2)
        x_pct, y_pct = (100 * np.array([x_px / HW[1], y_px / HW[0]])).clip(0, 99.9).tolist()
        item = point_item(x_pct, y_pct, HW, region_id=f"click{number}", is_positive=bool(random.random() < 0.8))
        yield click_body(uri, [item], task_id=picture, user="soak@example.org")


def _ask(client: FlaskClient, body: dict[str, object]) -> float:
    """Milliseconds of one request."""
    started_s = time.perf_counter()
    answer = client.post("/predict", json=body)
    took_ms = 1000 * (time.perf_counter() - started_s)
    if answer.status_code != 200:
        sys.exit(f"a click was answered {answer.status_code}: {answer.text}")
    return took_ms


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _judge(resident_mb: list[float], most_folder_mb: float, cap_mb: int) -> str | None:
    """What went wrong; None if nothing did.

    Means of fifths are compared, as a single sample says as much of the moment: it goes up and down by 30 MB, with what
    was encoded last.
    """
    warm_mb, *later_mb = (float(np.mean(part)) for part in np.array_split(resident_mb, N_REPORTS // N_WARM_UP))
    most_mb = max(later_mb)
    then = ", ".join(f"{part_mb:.0f}" for part_mb in later_mb)
    print(f"\nresident: {warm_mb:.0f} MB in the mean of the first fifth, then {then}; at most {max(resident_mb):.0f}")
    print(f"folder: {most_folder_mb:.0f} MB at most")
    if most_mb > (1 + MOST_GROWTH) * warm_mb:
        return f"memory grew from {warm_mb:.0f} to {most_mb:.0f} MB after the first fifth"
    if most_folder_mb > cap_mb:
        return f"the folder held {most_folder_mb:.0f} MB, more than {cap_mb}"
    return None


if __name__ == "__main__":
    main()
