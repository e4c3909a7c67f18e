"""The network itself: a ViT-B encode, a click, 64 clicks; ours beside `transformers`' SamModel, in turn.

    OMP_NUM_THREADS=2 python -m benchmarks.bench_network [--repeats 3] [--skip-encode]

Weights are random: the masks mean nothing, the time is that of the official ones. On one thread its own seconds on the
processor are taken, so that other work on the machine counts little; on more threads those of the clock. Rates are of
the operations that the paper's formula needs (972 GFLOP an encode, 3.62 a click), whoever spares some; the matrix
product of the same run says what a rate is worth on this machine at this moment.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from transformers import SamConfig as TheirConfig
from transformers import SamModel as TheirModel

from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.model.variants import VIT_B
from sam_backend.predict.predictor import CPU_PROMPTS_AT_ONCE

ENCODE_GFLOP = 972.0
CLICK_GFLOP = 3.62
GEMM_SIDE = 2048
N_BATCH = 64


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--skip-encode", action="store_true")
    arguments = parser.parse_args()
    print(f"ViT-B on {torch.get_num_threads()} threads; medians of {arguments.repeats}")
    with torch.inference_mode():
        ours, theirs = seeded_vit_b(), TheirModel(TheirConfig()).eval()
        if not arguments.skip_encode:
            report("encode", ENCODE_GFLOP, encoders(ours, theirs), arguments.repeats)
        report("click", CLICK_GFLOP, clicks(ours, theirs, 1), 3 * arguments.repeats)
        report(f"{N_BATCH} clicks", CLICK_GFLOP * N_BATCH, clicks(ours, theirs, N_BATCH), arguments.repeats)
        report("filtered", CLICK_GFLOP * N_BATCH, {"ours": lambda: filtered(ours, N_BATCH)}, arguments.repeats)


def seeded_vit_b() -> Sam:
    """ViT-B with random weights."""
    torch.manual_seed(0)
    return Sam(VIT_B).eval().requires_grad_(False)


def encoders(ours: Sam, theirs: TheirModel) -> dict[str, Callable[[], object]]:
    """The encode of one picture that fills the square."""
    pixels = torch.rand(1, 3, 1024, 1024)
    return {
        "ours": lambda: ours.encode_image(255 * pixels),
        "transformers": lambda: theirs.get_image_embeddings(pixels),
    }


def clicks(ours: Sam, theirs: TheirModel, n: int) -> dict[str, Callable[[], object]]:
    """Single clicks on an embedding that is there, up to low-res logits."""
    coarse = torch.randn(1, 256, 64, 64).contiguous(memory_format=torch.channels_last)  # as the encoder gives it
    points_xy = 1024 * torch.rand(n, 1, 2)
    memory = ours.remember(ImageFeatures(coarse=coarse))

    def decode() -> None:
        for batch_xy in points_xy.split(CPU_PROMPTS_AT_ONCE):
            ours.upscale(memory, ours.attend(memory, single_clicks(batch_xy), multimask=True))

    def decode_theirs() -> None:
        theirs(
            image_embeddings=coarse,
            input_points=points_xy[None],
            input_labels=torch.ones(1, n, 1, dtype=torch.int64),
            multimask_output=True,
        )

    return {"ours": decode, "transformers": decode_theirs}


def filtered(ours: Sam, n: int) -> None:
    """Clicks of which every third is worth drawing, as automatic masks have it."""
    coarse = torch.zeros(1, 256, 64, 64).contiguous(memory_format=torch.channels_last)
    memory = ours.remember(ImageFeatures(coarse=coarse))
    for batch_xy in torch.zeros(n, 1, 2).split(CPU_PROMPTS_AT_ONCE):
        decoded = ours.attend(memory, single_clicks(batch_xy), multimask=True)
        keep = (torch.arange(len(batch_xy)) % 3 == 0)[:, None].expand(-1, 3)
        ours.upscale_some(memory, decoded, keep, seen_hw=(171, 256))


def single_clicks(points_xy: Tensor) -> PromptTensors:
    """Each point (n, 1, 2) on an object of its own."""
    return PromptTensors(points_xy=points_xy, is_foreground=torch.ones(points_xy.shape[:2], dtype=torch.bool))


def report(what: str, gflop: float, calls: Mapping[str, Callable[[], object]], n: int) -> None:
    """Time calls in turn, n times each after one that isn't counted, beside a matrix product."""
    square = torch.rand(GEMM_SIDE, GEMM_SIDE)
    seconds: dict[str, list[float]] = {name: [] for name in (*calls, "matrix product")}
    for turn in range(n + 1):
        for name, call in {**calls, "matrix product": lambda: square @ square}.items():
            taken = seconds_of(call)
            if turn:
                seconds[name].append(taken)
    medians = {name: float(np.median(taken)) for name, taken in seconds.items()}
    gemm_rate = 2 * GEMM_SIDE**3 / 1e9 / medians.pop("matrix product")
    for name, median in medians.items():
        rate = gflop / median
        ratio = f"{median / medians['ours']:5.2f} times ours"
        print(
            f"{what:9} {name:12} {1000 * median:8.0f} ms {rate:6.0f} GFLOP/s, {rate / gemm_rate:.2f} of GEMM   {ratio}"
        )


def seconds_of(call: Callable[[], object]) -> float:
    """What one thread computed, or what the clock says of more."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    started = clock()
    call()
    return clock() - started


if __name__ == "__main__":
    main()
