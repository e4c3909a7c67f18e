"""From low-res logits to area, box, stability and RLE: traced along the outlines beside drawn pixel by pixel.

    python -m benchmarks.bench_postprocess

Both ways run on one thread and take the same smooth masks; times are CPU time of a mask, medians over repeats that take
turns, memory is what a process of its own needs more at its peak. `plainly` draws one mask at a time, which spares the
plain way the memory that the official code takes for 192 at once.
"""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.predict.automatic.mask_tracer import MaskTracer
from sam_backend.predict.automatic.plain_tracer import trace_plainly
from sam_backend.predict.frame import ImageFrame

IMAGES_HW = ((1000, 1500), (3000, 4000))
N_MASKS = 24
N_REPEATS = 5
LOW_RES, MODEL_SIZE = 256, 1024


def blobs(n_masks: int, used_hw: tuple[float, float], seed: int = 0) -> NDArray[np.float32]:
    """Logits (n, 256, 256) of wobbly discs of 3 to 60 cells radius, as steep and as rough as a decoder's."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:LOW_RES, :LOW_RES].astype(np.float32)
    return np.stack([_blob(rng, y, x, used_hw) for _ in range(n_masks)])


def _blob(
    rng: np.random.Generator, y: NDArray[np.float32], x: NDArray[np.float32], used_hw: tuple[float, float]
) -> NDArray[np.float32]:
    centre_y, centre_x = (rng.uniform(0, side) for side in used_hw)
    radius = np.exp(rng.uniform(np.log(3), np.log(60)))
    angle = np.arctan2(y - centre_y, x - centre_x)
    wobble = 1 + 0.15 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.08 * np.sin(7 * angle + rng.uniform(0, 6))
    inside = (radius * wobble - np.hypot(y - centre_y, x - centre_x)) * 2.5
    return (inside.clip(-15, 12) + rng.normal(0, 0.15, y.shape)).astype(np.float32)


def measure(way: str, frame: ImageFrame, logits: NDArray[np.float32]) -> list[str]:
    """Run one way to the RLE strings."""
    place = {"left_top_xy": (0, 0), "image_hw": frame.image_hw}
    if way == "traced":
        found = MaskTracer.of_crop(frame, LOW_RES, **place).trace(logits)
    else:
        found = trace_plainly(logits, frame, **place)
    return [one.runs.to_coco_rle()["counts"] for one in found]


def used_cells_hw(frame: ImageFrame) -> tuple[float, float]:
    """How much of the logits the picture covers."""
    height, width = (side * LOW_RES / MODEL_SIZE for side in frame.resized_hw)
    return height, width


def times_ms(frame: ImageFrame) -> dict[str, float]:
    """CPU milliseconds a mask, by way; checks that the masks are the same."""
    logits = blobs(N_MASKS, used_cells_hw(frame))
    taken: dict[str, list[float]] = {"traced": [], "plainly": []}
    answers: dict[str, list[str]] = {}
    for _ in range(N_REPEATS):
        for way, seconds in taken.items():
            started = time.process_time()
            answers[way] = measure(way, frame, logits)
            seconds.append(time.process_time() - started)
    n_same = sum(one == other for one, other in zip(*answers.values(), strict=True))
    print(f"  {n_same} of {N_MASKS} RLEs are the same; others differ by pixels with logits at 0 but for rounding")
    return {way: 1000 * float(np.median(seconds)) / N_MASKS for way, seconds in taken.items()}


def _peak_mb(way: str, image_hw: tuple[int, int], n_masks: int) -> float:
    torch.set_num_threads(1)
    frame = ImageFrame(image_hw, MODEL_SIZE)
    logits = blobs(N_MASKS, used_cells_hw(frame))[:n_masks]
    measure(way, ImageFrame((64, 64), MODEL_SIZE), logits[:1])  # what libraries load once isn't the way's
    before = _high_water_mb()
    measure(way, frame, logits)
    return _high_water_mb() - before


def _high_water_mb() -> float:
    """Of this process since its start (Linux); ``getrusage`` would count the parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def peak_mb(way: str, image_hw: tuple[int, int]) -> float:
    """Megabytes at the peak of a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_mb, (way, image_hw, 8))


def main() -> None:
    """Print a table for each size."""
    torch.set_num_threads(1)
    for height, width in IMAGES_HW:
        print(f"{width} x {height}")
        ms = times_ms(ImageFrame((height, width), MODEL_SIZE))
        mb = {way: peak_mb(way, (height, width)) for way in ms}
        for way in ms:
            print(f"  {way:8} {ms[way]:8.2f} ms a mask  {mb[way]:7.1f} MB")
        print(
            f"  ratio    {ms['plainly'] / ms['traced']:8.1f}            {mb['plainly'] / max(mb['traced'], 0.1):7.1f}"
        )


if __name__ == "__main__":
    main()
