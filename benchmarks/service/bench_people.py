"""Eight simulated annotators on four pictures at once: does each get what they get alone, and how long do they wait?

    python -m benchmarks.service.bench_people [--model FILE | --model seeded-vit-b]

Three workers of sixteen threads under a real gunicorn, over a Redis of its own. The crowd works without any pause, then
with pauses of about two seconds, then while a worker is killed; afterwards everyone's clicks are repeated one by one in
one worker over an empty cache. It ends with an error where a mask differs or an answer tells of an error. Writes
PEOPLE.md (of another model PEOPLE-NAME.md) beside this file.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.service.bodies import jpeg
from benchmarks.service.people import N_PICTURES, Answers, Crowd, Visit
from benchmarks.service.picture_host import hosted
from benchmarks.service.running_service import (
    RunningService,
    percentiles_ms,
    running_redis,
    running_service,
)
from benchmarks.service.spotted import SpottedPicture
from sam_backend.model.sam import Sam
from sam_backend.model.variants import VIT_B

FOLDER = Path(__file__).parent
SEEDED = "seeded-vit-b"
N_WORKERS, N_THREADS = 3, 16
PAUSE_S = 2.0
HEADER = (
    "the crowd",
    "requests",
    "first clicks p50 / p95",
    "later clicks p50 / p95",
    "broken connections",
    "errors",
    "masks as alone",
)


@dataclass(frozen=True, slots=True)
class Phase:
    """One way of working."""

    name: str
    people: range
    pause_s: float = 0.0
    kills_worker: bool = False


def main() -> None:
    """Work, compare, write."""
    options = _arguments()
    with tempfile.TemporaryDirectory() as name, _crowd(tuple(options.size)) as crowd:
        folder = Path(name)
        model = _weights(options.model, folder)
        phases = _phases(options.people)
        visits, n_encoded = _together(crowd, phases, model, folder)
        alone = _alone(crowd, range(3 * options.people), model, folder)
    rows = [_cells(phase, visits[phase.name], alone) for phase in phases]
    report = TEXT.format(
        people=options.people,
        pictures=N_PICTURES,
        model=options.model if options.model == SEEDED else Path(options.model).stem,
        height=options.size[0],
        width=options.size[1],
        rows=table(HEADER, rows),
        n_encoded=n_encoded,
        machine=describe_machine(),
        command=" ".join(["python -m benchmarks.service.bench_people", *sys.argv[1:]]),
    )
    options.to.write_text(report, encoding="utf-8")
    print(report)
    sys.exit(_fault(visits, alone))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded", help=f"as SAM_MODEL, or {SEEDED}: its weights are random")
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--size", type=int, nargs=2, default=(1000, 1500), metavar=("H", "W"), help="of the pictures")
    parser.add_argument("--to", type=Path, metavar="FILE")
    options = parser.parse_args()
    is_usual = options.model == "embedded"
    options.to = options.to or FOLDER / ("PEOPLE.md" if is_usual else f"PEOPLE-{Path(options.model).stem}.md")
    return options


def _phases(n_people: int) -> list[Phase]:
    """Each with people of its own, so that nobody's earlier clicks matter."""
    return [
        Phase("without a pause", range(n_people)),
        Phase(f"a click every {PAUSE_S:g} s", range(n_people, 2 * n_people), pause_s=PAUSE_S),
        Phase("a worker is killed", range(2 * n_people, 3 * n_people), kills_worker=True),
    ]


@contextmanager
def _crowd(image_hw: tuple[int, int]) -> Iterator[Crowd]:
    pictures = [SpottedPicture(image_hw, seed) for seed in range(N_PICTURES)]
    with hosted({str(number): jpeg(picture.pixels) for number, picture in enumerate(pictures)}) as url:
        yield Crowd(pictures, url)


def _weights(model: str, folder: Path) -> str:
    """What SAM_MODEL shall be."""
    if model != SEEDED:
        return model
    torch.manual_seed(0)
    path = folder / "seeded.pth"
    torch.save(Sam(VIT_B).state_dict(), path)
    return str(path)


def _together(crowd: Crowd, phases: list[Phase], model: str, folder: Path) -> tuple[dict[str, Visit], int]:
    """What each phase gave, and how often a whole picture was encoded in the first one."""
    visits: dict[str, Visit] = {}
    n_encoded = 0
    with (
        running_redis(folder) as cache_url,
        running_service(
            folder,
            n_workers=N_WORKERS,
            n_threads=N_THREADS,
            SAM_MODEL=model,
            SAM_CACHE_URL=cache_url,
            OMP_NUM_THREADS="1",
        ) as service,
    ):
        for phase in phases:
            killer = threading.Thread(target=_kill_one, args=(service,)) if phase.kills_worker else None
            if killer:
                killer.start()
            visits[phase.name] = crowd.work(service, phase.people, phase.pause_s)
            if killer:
                killer.join()
                service.wait_until_logged("model_ready", N_WORKERS + 1)
            print(f"{phase.name}: done", flush=True)
        n_encoded = service.log.read_text().count("encoding picture=")
    return visits, n_encoded


def _kill_one(service: RunningService) -> None:
    """In the midst of the work, as the system does when memory runs out."""
    time.sleep(1.0)
    os.kill(service.workers()[0], signal.SIGKILL)


def _alone(crowd: Crowd, people: range, model: str, folder: Path) -> Answers:
    cache_url = f"file://{folder}/alone"
    settings = {"SAM_MODEL": model, "SAM_CACHE_URL": cache_url, "SAM_CACHE_MB": "0", "OMP_NUM_THREADS": "1"}
    with running_service(folder, n_threads=1, **settings) as service:
        return crowd.one_by_one(service, people)


def _cells(phase: Phase, visit: Visit, alone: Answers) -> tuple[str, ...]:
    n_asked = len(visit.answers) + len(visit.statuses)
    return (
        phase.name,
        str(n_asked),
        "{:.0f} / {:.0f} ms".format(*percentiles_ms(visit.first_s)),
        "{:.0f} / {:.0f} ms".format(*percentiles_ms(visit.later_s)),
        str(visit.n_broken),
        str(len(visit.statuses)),
        f"{_n_same(visit, alone)} of {len(visit.answers)}",
    )


def _n_same(visit: Visit, alone: Answers) -> int:
    return sum(rle == alone[key] for key, rle in visit.answers.items())


def _fault(visits: dict[str, Visit], alone: Answers) -> str | None:
    faults = []
    for name, visit in visits.items():
        if visit.statuses:
            faults.append(f"{name}: answers told of errors: {visit.statuses}")
        if _n_same(visit, alone) < len(visit.answers):
            faults.append(f"{name}: masks differ from those of people alone")
    return "; ".join(faults) or None


TEXT = """# People at once

    {command}

{people} simulated annotators on the same {pictures} pictures of {width} x {height} px, three requests each on every
picture (a click, a second one, an Alt-click), each interleaving the pictures in an order of their own; model: {model}.
The service is gunicorn with three workers of sixteen threads, one PyTorch thread each, over Redis; pictures come from a
server beside it. A first click on a picture that nobody has clicked on waits until it is encoded.

{rows}

Then every person's requests were repeated one after the other in one worker over an empty cache: *masks as alone*
counts those that are the same to the byte. A connection breaks where the worker that is killed was at it; the person
clicks again. Pictures and crops of small objects were encoded {n_encoded} times in all.

Without a pause all {people} wait for each other, so that row says how much the machine can do; the one with pauses says
how long people wait. Measured on {machine}.
"""


if __name__ == "__main__":
    main()
