"""Where our time goes: the parts of a run of automatic masks, and the operations within each."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks.suite.automatic import run_ours
from benchmarks.suite.measurement import OURS, Measurement
from benchmarks.suite.networks import Prompted
from benchmarks.suite.realistic import automatic_options
from benchmarks.suite.stage import CLICK_GFLOP, ENCODE_GFLOP, Stage
from benchmarks.suite.turns import clocked, gemm_gflops
from sam_backend import Prompts
from sam_backend.masks.rle_brush import encode_brush_rle
from sam_backend.model.cores import map_on_cores
from sam_backend.model.decoder_memory import DecodedPrompts
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.predict.automatic.crop_sieve import CropSieve
from sam_backend.predict.automatic.crops import lay_crops
from sam_backend.predict.automatic.grids import point_grid
from sam_backend.predict.predictor import CPU_PROMPTS_AT_ONCE
from sam_backend.predict.tracing.drawing import draw_masks

PART = "profile"
MOST_LISTED = 7
ATTEND_GFLOP = 2.80
"""Of a click's: the transformer."""


def measure_profile(stage: Stage) -> Iterator[Measurement]:
    """Yield the parts of a run, then what each of them consists of."""
    n = stage.points_per_side
    run = run_ours(stage, n)
    rest_s = run.whole_s - run.encode_s - run.decode_s
    gflops = {"encode": ENCODE_GFLOP["B"], "decode": CLICK_GFLOP * n**2, "trace, filter, RLE": None}
    for name, seconds in zip(gflops, (run.encode_s, run.decode_s, rest_s), strict=True):
        yield Measurement(
            PART, f"automatic masks: {name}", {OURS: [seconds]}, gemm_gflops=run.gemm_gflops, gflop=gflops[name]
        )
    prompted = stage.prompted
    yield _operations("encode", lambda: stage.networks.ours.embed(stage.image))
    yield from _decode(prompted, 4 if stage.is_quick else 64)
    yield from _click(prompted)
    yield _functions("tracing the masks of 64 points", _tracing(prompted, 16 if stage.is_quick else 64))


@torch.inference_mode()
def _decode(prompted: Prompted, n: int) -> Iterator[Measurement]:
    """Its two halves, and their operations."""
    network, memory = prompted.networks.ours.network, prompted.ours().memory
    batches = (1024 * torch.rand(n, 1, 2)).split(CPU_PROMPTS_AT_ONCE)
    prompts = [PromptTensors(few_xy, torch.ones(few_xy.shape[:2], dtype=torch.bool)) for few_xy in batches]

    def attend(few: PromptTensors) -> DecodedPrompts:
        return network.attend(memory, few, multimask=True)

    decoded = map_on_cores(attend, prompts)

    def upscale(few: DecodedPrompts) -> Tensor:
        return network.upscale(memory, few)

    halves: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("attend", lambda: map_on_cores(attend, prompts), ATTEND_GFLOP),
        ("upscale", lambda: map_on_cores(upscale, decoded), CLICK_GFLOP - ATTEND_GFLOP),
    )
    for name, call, gflop in halves:
        call()
        seconds = {OURS: [clocked(call)()]}
        yield Measurement(PART, f"{n} clicks: {name}", seconds, gemm_gflops=gemm_gflops(), gflop=n * gflop)
    yield _operations("attend", lambda: attend(prompts[0]))
    yield _operations("upscale", lambda: upscale(decoded[0]))


@torch.inference_mode()
def _click(prompted: Prompted) -> Iterator[Measurement]:
    """A click up to the brush RLE, step by step."""
    predictor, embedding = prompted.networks.ours, prompted.ours()
    network, memory, frame = predictor.network, embedding.memory, embedding.frame
    xy = torch.from_numpy(frame.image_to_model_xy(np.array([[[700, 500]]], np.float32)))
    click = PromptTensors(xy, torch.ones(1, 1, dtype=torch.bool))
    decoded = network.attend(memory, click, multimask=True)
    logits = network.upscale(memory, decoded)[0]
    masks = draw_masks(frame, logits)
    steps: dict[str, Callable[[], object]] = {
        "attend": lambda: network.attend(memory, click, multimask=True),
        "upscale": lambda: network.upscale(memory, decoded),
        "three masks at full size": lambda: draw_masks(frame, logits),
        "brush RLE of one": lambda: encode_brush_rle(masks[0]),
        "segment, all but the RLE": lambda: predictor.segment(embedding, Prompts.of(points=[(700, 500, True)])),
    }
    for name, call in steps.items():
        seconds = [clocked(call)() for _ in range(8)]
        yield Measurement(PART, f"one click: {name}", {OURS: seconds})


def _operations(name: str, call: Callable[[], object]) -> Measurement:
    """PyTorch's operations by the time that each takes itself, on one core: the profiler sees its own thread alone."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        call()
    torch.set_num_threads(n_threads)
    events = sorted(profiled.key_averages(), key=lambda event: -event.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events)
    shares = (f"{event.key} {event.self_cpu_time_total / whole:.0%} ({event.count} calls)" for event in events)
    return Measurement(PART, f"operations of {name}", {}, remarks=tuple(shares)[:MOST_LISTED])


def _functions(name: str, call: Callable[[], object]) -> Measurement:
    """Python functions, numpy's among them, by the time that each takes itself."""
    profiler = cProfile.Profile()
    profiler.runcall(call)
    rows = sorted(pstats.Stats(profiler).stats.items(), key=lambda row: -row[1][2])  # type: ignore[attr-defined]
    whole = sum(row[1][2] for row in rows)
    shares = (
        f"{Path(where[0]).name} {where[2]} {numbers[2] / whole:.0%} ({numbers[1]} calls)" for where, numbers in rows
    )
    return Measurement(PART, f"functions of {name}", {}, remarks=tuple(shares)[:MOST_LISTED])


def _tracing(prompted: Prompted, n: int) -> Callable[[], object]:
    predictor, embedding = prompted.networks.ours, prompted.ours()
    options = automatic_options(round(n**0.5))
    (crop,) = lay_crops(prompted.frame.image_hw, 0, 0.0)
    sieve = CropSieve.of_crop(crop, embedding.frame, prompted.frame.image_hw, options)
    height, width = prompted.frame.image_hw
    points_xy = point_grid(options.points_per_side) * np.array([width, height])
    masks = predictor.decode_points(embedding, points_xy, sieve.iou_above)
    return lambda: list(sieve.sift(masks, np.arange(len(points_xy)), points_xy))
