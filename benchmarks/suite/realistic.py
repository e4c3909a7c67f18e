"""Seeded weights that give masks as trained ones do: patches around the click, about a third of them worth drawing.

A network with random weights answers every click with nearly the same mask, and its predicted IoU passes no threshold:
on it, automatic masks would be measured without any. So the decoder's weights are adjusted where that is enough: cells
look at tokens by their position, the upscaling repeats its cells, kernels are fitted so that a mask is a patch around
its click, and the predicted IoU is shifted. The work is the same for any weights but for the number of masks that pass.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.predict.automatic.grids import point_grid
from sam_backend.predict.automatic.mask_tracer import MaskTracer, TracedMask
from sam_backend.predict.automatic.nms import box_nms
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.point_masks import READINGS_PER_POINT, PointMasks
from sam_backend.predict.predictor import Predictor

RADII_PX = (90.0, 130.0, 170.0)
"""Of the patches of the three readings, in model px."""

STEEPNESS = 24.0
"""Logits between a patch's centre and far from it: a trained decoder's are as decided."""

MOST_SHARE_PASSING = 1 / 3
"""Of all masks, by their predicted IoU; as the official weights have it on photographs."""

MOST_FOUND = 150
"""Masks of a picture, after all filters."""

N_FITTED = 16


@torch.inference_mode()
def make_realistic(predictor: Predictor, image: NDArray[np.uint8], n_per_side: int) -> str:
    """Adjust the weights in place, for everyone who shares them; say what passes now.

    Args:
        predictor: that holds them.
        image: (h, w, 3), to adjust them on.
        n_per_side: of the grid of points to count on.
    """
    options = AutomaticOptions(points_per_side=n_per_side)
    network = predictor.network
    _attend_by_position(network)
    embedding = predictor.embed(image)
    _fit_kernels(network, embedding)
    height, width = embedding.image_hw
    masks = predictor.decode_points(embedding, point_grid(n_per_side) * np.array([width, height]), -np.inf)
    limit, sentence = _choose_limit(masks, embedding, options)
    network.mask_decoder.iou_prediction_head.layers[-1].bias += options.pred_iou_thresh - limit
    return sentence


def _attend_by_position(network: Sam) -> None:
    network.image_encoder.neck[-1].weight *= 0.3  # so that positions weigh more than what the picture shows
    for layer in network.mask_decoder.transformer.layers:
        attention = layer.cross_attn_image_to_token
        attention.k_proj.weight.copy_(12 * attention.q_proj.weight)
        attention.v_proj.weight *= 3
        attention.out_proj.weight *= 3
    for doubling in (0, 3):  # else every mask is a checkerboard
        weight = network.mask_decoder.output_upscaling[doubling].weight
        weight.copy_(weight[:, :, :1, :1].expand_as(weight).clone())


def _fit_kernels(network: Sam, embedding: Embedding) -> None:
    """Least squares: each reading's kernel, the same for all clicks but for a little, draws patches of one size."""
    decoder, size = network.mask_decoder, network.image_size
    height, width = embedding.frame.resized_hw
    points_xy = torch.tensor(point_grid(round(N_FITTED**0.5)) * np.array([width, height]), dtype=torch.float32)
    clicks = PromptTensors(points_xy[:, None], torch.ones(len(points_xy), 1, dtype=torch.bool))
    cells = network.attend(embedding.memory, clicks, multimask=True).image  # (n, g * g, c)
    side = network.image_encoder.grid_size
    pixels = decoder.output_upscaling(cells.transpose(1, 2).unflatten(2, (side, side)))[:, :, ::4, ::4]
    centres_px = (torch.arange(side) + 0.5) * size / side
    distance = torch.hypot(centres_px - points_xy[:, 0, None, None], centres_px[:, None] - points_xy[:, 1, None, None])
    for mlp, radius_px in zip(decoder.output_hypernetworks_mlps[1:], RADII_PX, strict=True):
        wanted = STEEPNESS * (torch.sigmoid((radius_px - distance) / 20) - 0.5)  # (n, g, g)
        kernel = _least_squares(pixels.movedim(1, -1).flatten(0, 2), wanted.flatten())
        last = mlp.layers[-1]
        last.weight *= 0.1 * kernel.std() / last.weight.std() / last.weight.shape[1] ** 0.5
        last.bias.copy_(kernel)


def _least_squares(features: Tensor, wanted: Tensor) -> Tensor:
    solution: Tensor = torch.linalg.lstsq(features, wanted[:, None]).solution[:, 0]
    return solution


def _choose_limit(masks: PointMasks, embedding: Embedding, options: AutomaticOptions) -> tuple[float, str]:
    """The predicted IoU above which a third of the masks lies, or fewer where too many would be found."""
    low_res_size = masks.low_res_logits.shape[-1]
    tracer = MaskTracer.of_crop(embedding.frame, low_res_size, left_top_xy=(0, 0), image_hw=embedding.image_hw)
    stable = [one for one in tracer.trace(masks.low_res_logits, options.stability_score_thresh) if one.runs.area_px]
    n_all, share = len(masks.index), MOST_SHARE_PASSING
    while True:
        limit = float(np.sort(masks.predicted_iou)[::-1][max(1, int(share * n_all)) - 1])
        n_found = _n_found([one for one in stable if masks.predicted_iou[one.index] > limit], masks, options)
        if n_found <= MOST_FOUND:
            break
        share *= 0.9
    n_stable = sum(masks.predicted_iou[one.index] > limit for one in stable)
    return limit, (
        f"weights adjusted (see `realistic.py`): of {n_all} masks of {n_all // READINGS_PER_POINT} points "
        f"{int(share * n_all)} pass by predicted IoU, {n_stable} of them are stable, {n_found} stay without duplicates"
    )


def _n_found(traced: list[TracedMask], masks: PointMasks, options: AutomaticOptions) -> int:
    boxes_xyxy = np.array([one.runs.box_inclusive_xyxy() for one in traced], np.int64).reshape(-1, 4)
    scores = masks.predicted_iou[[one.index for one in traced]]
    return len(box_nms(boxes_xyxy, scores, options.box_nms_thresh))
