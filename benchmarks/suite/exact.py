"""The mask decoder in double precision: how far rounding to float32 takes the official code and ours from it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.suite.networks import Networks
from sam_backend.model.image_encoder import ImageFeatures


@dataclass(frozen=True, slots=True)
class Rounding:
    """Greatest distance of a low-res logit from the one in double precision."""

    official: float
    ours: float
    greatest_logit: float
    """In size, for comparison."""


@torch.inference_mode()
def measure_rounding(
    networks: Networks, coarse: Tensor, points_xy: NDArray[np.float64], image_hw: tuple[int, int]
) -> Rounding:
    """Decode clicks (n, 2) in image px on an embedding (1, c, g, g), three masks each, in three ways."""
    embedding = networks.ours.recall(ImageFeatures(coarse), image_hw)
    masks = networks.ours.decode_points(embedding, points_xy, iou_above=-np.inf)
    rows, columns = embedding.frame.seen_low_res_hw(masks.low_res_logits.shape[-1])  # the rest is left at 0
    model_xy = torch.from_numpy(embedding.frame.image_to_model_xy(points_xy.astype(np.float32)))[:, None]
    prompts = networks.official.prompt_encoder(points=(model_xy, torch.ones(len(points_xy), 1)), boxes=None, masks=None)
    inputs = (coarse, networks.official.prompt_encoder.get_dense_pe(), *prompts)
    decoder = networks.official.mask_decoder
    official, _ = decoder(*inputs, multimask_output=True)
    exact, _ = deepcopy(decoder).double()(*(part.double() for part in inputs), multimask_output=True)
    exact = exact[..., :rows, :columns].flatten(0, 1)

    def distance(logits: Tensor) -> float:
        return float((logits[..., :rows, :columns] - exact).abs().max())

    return Rounding(
        official=distance(official.flatten(0, 1)),
        ours=distance(torch.from_numpy(masks.low_res_logits)),
        greatest_logit=float(exact.abs().max()),
    )
