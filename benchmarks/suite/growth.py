"""How times grow with the picture's pixels, the number of points, and the threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as pycocotools_mask
from segment_anything.modeling import Sam as OfficialSam
from segment_anything.utils.amg import (
    batched_mask_to_box,
    calculate_stability_score,
    coco_encode_rle,
    mask_to_rle_pytorch,
)

from benchmarks.suite.automatic import run_official, run_ours
from benchmarks.suite.click import batches
from benchmarks.suite.encode import encoders
from benchmarks.suite.measurement import OFFICIAL, OURS, Measurement
from benchmarks.suite.rivals import each_at_home, set_threads
from benchmarks.suite.scene import blob_logits
from benchmarks.suite.stage import CLICK_GFLOP, ENCODE_GFLOP, IMAGE_HW, Stage
from benchmarks.suite.turns import Timed, clocked, take_turns
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.tracing.mask_tracer import MaskTracer

PIXELS, POINTS, THREADS = "growth with pixels", "growth with points", "growth with threads"
SIZES_HW = ((512, 768), IMAGE_HW, (2000, 3000), (3000, 4000), (4000, 6000))
N_MASKS = 12
POINTS_PER_SIDE = {OURS: (4, 8, 16), OFFICIAL: (4, 8)}
"""Those of 32 are measured by the part ``automatic``."""


def measure_growth(stage: Stage) -> Iterator[Measurement]:
    """Yield the cases of all three axes."""
    with torch.inference_mode():
        for image_hw in SIZES_HW[:2] if stage.is_quick else SIZES_HW:
            yield _of_pixels(stage, image_hw)
    yield from _of_points(stage)
    with torch.inference_mode():
        yield from _of_threads(stage)


def _of_pixels(stage: Stage, image_hw: tuple[int, int]) -> Measurement:
    """From low-res logits to area, box, stability and RLE."""
    network, frame, logits = _drawn(stage, image_hw)
    calls = each_at_home(stage, tracers, image_hw)
    case = f"{N_MASKS} masks to RLE, {image_hw[1]} x {image_hw[0]}"
    measured = take_turns(PIXELS, case, calls, stage.turns(3), at=image_hw[0] * image_hw[1])
    n_other_px = _n_differing_px(_trace(logits, frame), _draw(logits, frame, network))
    return replace(
        measured, remarks=(f"{n_other_px} of {N_MASKS * measured.at:.0f} pixels differ",) if n_other_px else ()
    )


def tracers(stage: Stage, image_hw: tuple[int, int]) -> dict[str, Timed]:
    """From low-res logits to area, box, stability and RLE."""
    network, frame, logits = _drawn(stage, image_hw)
    return {
        OURS: clocked(lambda: _trace(logits, frame)),
        OFFICIAL: clocked(lambda: _draw(logits, frame, network)),
    }


def _drawn(stage: Stage, image_hw: tuple[int, int]) -> tuple[OfficialSam, ImageFrame, NDArray[np.float32]]:
    frame = ImageFrame(image_hw, 1024)
    return stage.networks.official, frame, blob_logits(N_MASKS, frame.seen_low_res_hw(256))


def _trace(logits: NDArray[np.float32], frame: ImageFrame) -> list[dict[str, object]]:
    tracer = MaskTracer.of_crop(frame, logits.shape[-1], left_top_xy=(0, 0), image_hw=frame.image_hw)
    return [dict(traced.runs.to_coco_rle()) for traced in tracer.trace(logits)]


def _draw(logits: NDArray[np.float32], frame: ImageFrame, network: OfficialSam) -> list[dict[str, object]]:
    """The steps of the official generator, by its own functions."""
    full = network.postprocess_masks(torch.from_numpy(logits)[None], frame.resized_hw, frame.image_hw)[0]
    calculate_stability_score(full, 0.0, 1.0)
    masks = full > 0
    batched_mask_to_box(masks)
    return [coco_encode_rle(rle) for rle in mask_to_rle_pytorch(masks)]


def _n_differing_px(ours: list[dict[str, object]], official: list[dict[str, object]]) -> int:
    decoded = (pycocotools_mask.decode(one) for one in (ours, official))
    mine, theirs = decoded
    return int(np.count_nonzero(mine != theirs))


def _of_points(stage: Stage) -> Iterator[Measurement]:
    """Decoding and what comes after it, of whole runs."""
    for n in (2, 4) if stage.is_quick else POINTS_PER_SIDE[OURS]:
        runs = {OURS: run_ours(stage, n)}
        if n in POINTS_PER_SIDE[OFFICIAL]:
            runs[OFFICIAL] = stage.rivals.call(run_official, n)
        seconds = {name: [run.after_encode_s] for name, run in runs.items()}
        rate = runs[OURS].gemm_gflops
        yield Measurement(
            POINTS, f"{n} x {n} points", seconds, gemm_gflops=rate, gflop=CLICK_GFLOP * n**2, at=float(n**2)
        )


def _of_threads(stage: Stage) -> Iterator[Measurement]:
    """One encode and 16 clicks, on 1, 2, 4 ... threads."""
    encode = each_at_home(stage, encoders, "B")
    click = each_at_home(stage, batches, 2 if stage.is_quick else 16)
    n = 1
    while n <= stage.n_threads:
        set_threads(stage, n)
        for what, calls, gflop in (("encode", encode, ENCODE_GFLOP["B"]), ("16 clicks", click, 16 * CLICK_GFLOP)):
            case = f"{what} on {n} thread{'s' if n > 1 else ''}"
            yield take_turns(THREADS, case, calls, 1, gflop=gflop, at=float(n), warm_up=False)
        n *= 2
    set_threads(stage, stage.n_threads)
