"""The image encoders B, L and H, and the embedded model's: a square that is filled, from pixels to the embedding."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.suite.measurement import OFFICIAL, OURS, TRANSFORMERS, Measurement
from benchmarks.suite.rivals import each_at_home
from benchmarks.suite.stage import ENCODE_GFLOP, Stage
from benchmarks.suite.turns import Timed, clocked, take_turns
from sam_backend.predict.predictor import load_sam

PART = "encode"
N_TURNS = {"B": 3, "L": 2, "H": 1}
AGREEMENT = 1e-4


@torch.inference_mode()
def measure_encode(stage: Stage) -> Iterator[Measurement]:
    """Yield a case for each size."""
    for size, n_turns in N_TURNS.items():
        if size != "B" and stage.is_quick:
            continue
        yield take_turns(
            PART,
            f"ViT-{size}",
            each_at_home(stage, encoders, size),
            stage.turns(n_turns),
            gflop=ENCODE_GFLOP[size],
            warm_up=False,
        )
    yield _embedded(stage)


def encoders(stage: Stage, size: str) -> dict[str, Timed]:
    """The encoders on the same normalised pixels."""
    networks = stage.networks_of(size)
    pixels = torch.rand(1, 3, 1024, 1024, generator=torch.Generator().manual_seed(0))
    network = networks.ours.network
    return {
        OURS: clocked(lambda: network.image_encoder(pixels)),
        OFFICIAL: clocked(lambda: networks.official.image_encoder(pixels)),
        TRANSFORMERS: clocked(lambda: networks.transformers.get_image_embeddings(pixels)),
    }


def _embedded(stage: Stage) -> Measurement:
    network = load_sam("embedded", device="cpu").network
    pixels = torch.rand(1, 3, 1024, 1024)
    calls = {OURS: clocked(lambda: network.image_encoder(pixels))}
    return take_turns(PART, "the embedded model", calls, stage.turns(3), warm_up=False)
