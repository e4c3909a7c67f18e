"""What a picture and a click cost: the embedded model beside a ViT-B of the official size, in one run.

    python -m benchmarks.bench_click

The ViT-B has seeded random weights: its masks mean nothing, its time is that of the official ones.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from sam_backend import Predictor, Prompts, load_sam
from sam_backend.model.sam import Sam
from sam_backend.model.variants import VIT_B

IMAGE_HW = (1000, 1500)
CLICK = Prompts.of(points=[(700, 500, True)])


def main() -> None:
    """Print a table."""
    image = np.random.default_rng(0).integers(0, 256, (*IMAGE_HW, 3), np.uint8)
    print(f"{IMAGE_HW[1]} x {IMAGE_HW[0]} px, {torch.get_num_threads()} threads; medians in ms")
    embedded = measure(load_sam("embedded", device="cpu"), image, n_embeds=5)
    vit_b = measure(seeded_vit_b(), image, n_embeds=2)
    for step in ("embed", "click"):
        ratio = vit_b[step] / embedded[step]
        print(f"{step:6} embedded {embedded[step]:8.0f}   vit_b {vit_b[step]:8.0f}   {ratio:.1f} times as long")


def measure(predictor: Predictor, image: np.ndarray, n_embeds: int) -> dict[str, float]:
    """Median milliseconds of embedding a picture and of one click with three full-size masks."""
    embedding = predictor.embed(image)
    return {
        "embed": median_ms(lambda: predictor.embed(image), n_embeds),
        "click": median_ms(lambda: predictor.segment(embedding, CLICK), 20),
    }


def median_ms(call: Callable[[], object], n: int) -> float:
    """Median over ``n`` calls after one that isn't counted."""
    call()
    seconds = []
    for _ in range(n):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return 1000 * float(np.median(seconds))


def seeded_vit_b() -> Predictor:
    """ViT-B with random weights, loaded as a checkpoint is."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vit_b_seeded.pth"
        torch.save(Sam(VIT_B).state_dict(), path)
        return load_sam(str(path), device="cpu")


if __name__ == "__main__":
    main()
