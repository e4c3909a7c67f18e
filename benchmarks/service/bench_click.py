"""A click through Label Studio's door, from request to response, beside the official code with the SDK's brush encoder.

    .bench/models/bin/python -m benchmarks.service.bench_click

The service is a real gunicorn; pictures (1500 x 1000) come from a server beside it. It runs ViT-B with the seeded
weights that the official code has in this process, and the embedded model. Contenders take turns, so that whatever else
the machine does hits all of them. Writes CLICKS.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.machine import describe_machine
from benchmarks.markdown import table
from benchmarks.service.door import Door
from benchmarks.service.official_click import OfficialClicks
from benchmarks.service.picture_host import hosted
from benchmarks.service.running_service import percentiles_ms, running_service
from benchmarks.service.spots import clear_spots_xy
from benchmarks.suite.networks import Networks, build_networks
from benchmarks.suite.realistic import make_realistic
from benchmarks.suite.scene import picture
from benchmarks.suite.sdk import SdkBrush
from benchmarks.suite.stage import IMAGE_HW, NARROW, VITS
from benchmarks.suite.turns import GEMM_SIDE, Timed, gemm_gflops
from sam_backend.predict.predictor import load_sam

REPORT = Path(__file__).with_name("CLICKS.md")
POINTS_TO_FIT = 16
"""A side, to make the seeded weights answer like trained ones."""

VIT, EMBEDDED, OFFICIAL = "ViT-B", "the embedded model", "official + SDK"
WARM, BETWEEN, DRAFTS = "warm click", "warm click between others' work", "warm click with 7 MB of drafts"
PREWARMED, COLD = "first click, prewarmed", "cold click"
IN_A_ROW = 8
"""Warm clicks of one contender before the next has its turn."""


@dataclass(slots=True)
class Taken:
    """Seconds by case and contender."""

    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    gemm_gflops: list[float] = field(default_factory=list)

    def take_turns(
        self, case: str, calls: Mapping[str, Timed], n_turns: int, *, warm_up: bool, in_a_row: int = 1
    ) -> None:
        """Every contender ``n_turns`` times, one after the other; ``in_a_row`` calls are a turn."""
        of_case = self.seconds.setdefault(case, {name: [] for name in calls})
        for turn in range(n_turns + warm_up):
            for name, call in calls.items():
                took_s = [call() for _ in range(in_a_row)]
                if turn >= warm_up:
                    of_case[name] += took_s
            self.gemm_gflops.append(gemm_gflops())
        shown = ", ".join(f"{name} {1000 * median(some):.0f} ms" for name, some in of_case.items())
        print(f"{case}: {shown}", flush=True)


def main() -> None:
    """Measure, write."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    taken = Taken()
    with ExitStack() as stack, torch.inference_mode():
        image = picture(IMAGE_HW)
        networks = build_networks(NARROW if options.quick else VITS["B"])
        make_realistic(networks.ours, image, 4 if options.quick else POINTS_TO_FIT)
        spots_xy = clear_spots_xy(networks.ours, image)
        sdk = stack.enter_context(SdkBrush(options.sdk_python))
        official = OfficialClicks(networks.official, sdk, image, spots_xy)
        vit, embedded = stack.enter_context(_doors(networks, options, image, spots_xy))
        _measure(taken, vit, embedded, official, n_warm=options.turns, n_cold=options.cold_turns)
    report = TEXT.format(
        command=" ".join(["python -m benchmarks.service.bench_click", *sys.argv[1:]]),
        rows=table(HEADER, _rows(taken)),
        draft_mb=vit.draft_mb,
        in_a_row=IN_A_ROW,
        n_regions=vit.n_draft_regions,
        machine=describe_machine(),
        gemm=f"{GEMM_SIDE}³ matrix products between the turns gave {median(taken.gemm_gflops):.0f} GFLOP/s",
        service="of the same environment" if options.service_python is None else f"of {options.service_python}",
        quick="\n**A narrow encoder stood in for ViT-B: this only shows that all works.**" if options.quick else "",
    )
    options.to.write_text(report, encoding="utf-8")
    print(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=40, help="of warm clicks (40)")
    parser.add_argument("--cold-turns", type=int, default=4, help="of clicks that need an encoder (4)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the official code")
    parser.add_argument("--quick", action="store_true", help="show that it works, with a narrow encoder")
    parser.add_argument("--sdk-python", type=Path, default=Path(".sdk/bin/python"))
    parser.add_argument("--service-python", type=Path, help="of the environment of the service; default: this one")
    parser.add_argument("--to", type=Path, default=REPORT, metavar="FILE")
    return parser.parse_args()


@contextmanager
def _doors(
    networks: Networks, options: argparse.Namespace, image: np.ndarray, spots_xy: np.ndarray
) -> Iterator[tuple[Door, Door]]:
    """Both services, each over a folder of its own."""
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name, hosted(files) as url, ExitStack() as stack:
        folder = Path(name)
        weights = folder / "vit_b_seeded.pth"
        torch.save(networks.official.state_dict(), weights)
        doors = []
        spots_by_model = {str(weights): spots_xy, "embedded": clear_spots_xy(load_sam(), image)}
        for model, spots in spots_by_model.items():
            cache = folder / f"cache-{Path(model).stem}"
            service = stack.enter_context(
                running_service(
                    folder,
                    python=options.service_python,
                    SAM_MODEL=model,
                    SAM_CACHE_URL=f"file://{cache}",
                    OMP_NUM_THREADS=str(options.threads),
                )
            )
            doors.append(Door(service, url, files, cache, image, spots, name=Path(model).stem))
        yield doors[0], doors[1]


def _measure(taken: Taken, vit: Door, embedded: Door, official: OfficialClicks, n_warm: int, n_cold: int) -> None:
    for door in (vit, embedded):
        door.cold()  # the picture that warm clicks are on
    warm = {VIT: vit.warm, OFFICIAL: official.warm, EMBEDDED: embedded.warm}
    taken.take_turns(WARM, warm, -(-n_warm // IN_A_ROW), warm_up=True, in_a_row=IN_A_ROW)
    taken.take_turns(BETWEEN, warm, n_warm, warm_up=True)
    taken.take_turns(DRAFTS, {VIT: vit.with_drafts, EMBEDDED: embedded.with_drafts}, n_warm, warm_up=True)
    taken.take_turns(PREWARMED, {VIT: vit.prewarmed, EMBEDDED: embedded.prewarmed}, n_cold, warm_up=False)
    cold = {VIT: vit.cold, OFFICIAL: official.cold, EMBEDDED: embedded.cold}
    taken.take_turns(COLD, cold, n_cold, warm_up=False)


HEADER = ("case", "clicks", f"{VIT} p50", "p95", f"{OFFICIAL} p50", "p95", "times ours", "embedded p50", "p95")


def _rows(taken: Taken) -> Iterator[tuple[str, ...]]:
    for case, seconds in taken.seconds.items():
        ours, theirs = seconds[VIT], seconds.get(OFFICIAL)
        ratio = "" if theirs is None else f"{median(theirs) / median(ours):.2f}"
        cells = [_cells(some) for some in (ours, theirs, seconds[EMBEDDED])]
        yield case, str(len(ours)), *cells[0], *cells[1], ratio, *cells[2]


def _cells(seconds: list[float] | None) -> tuple[str, str]:
    if seconds is None:
        return "", ""
    p50, p95 = percentiles_ms(seconds)
    return f"{p50:.0f} ms", f"{p95:.0f} ms"


TEXT = """# Clicks through Label Studio's door

    {command}

From the request of a click to the last byte of its answer: a real gunicorn, a picture of 1500 x 1000 px that the
service fetches from a server beside it, a brush RLE back. The official code (`SamPredictor`, the best of three masks)
with `mask2rle` of label-studio-sdk stands beside it without any server: picture and mask never leave its processes.
ViT-B has the same seeded weights in both, fitted so that masks look like a trained network's. Contenders take turns.
{quick}

{rows}

- *Warm*: the picture was clicked on before; every click begins a new object, without a second look at small ones.
  {in_a_row} clicks in a row, then it is the next contender's turn.
- *Between others' work*: single clicks in turn, so that each finds the processor's caches full of the others' numbers.
- *First click, prewarmed*: the task was opened, and its picture encoded, before anybody clicked.
- *Cold*: a picture never seen: fetch, decode, encode, click. Of the embedded model that is a one-shot `/predict`.
- *Drafts*: {n_regions} brush regions come with the click, as Label Studio sends all of a person's unsaved work:
  {draft_mb:.1f} MB of JSON to read.
- p95 of few clicks is the largest, or nearly.

Measured on {machine}; gunicorn {service}; {gemm}.
"""


if __name__ == "__main__":
    main()
