"""Seeded weights that give masks as trained ones do: patches around the click, some of them worth drawing.

A network with random weights answers every click with nearly the same mask, and its predicted IoU passes no threshold:
on it, automatic masks would be measured without any. So the weights are adjusted where that is enough: the embedding
tells where a cell lies, the upscaling repeats its cells, the kernels are fitted so that a mask is what looks like its
click, and the predicted IoU is shifted. The work is the same for any weights but for the number of masks that pass.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.predict.automatic.grids import point_grid
from sam_backend.predict.automatic.nms import box_nms
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.point_masks import READINGS_PER_POINT, PointMasks
from sam_backend.predict.predictor import CPU_PROMPTS_AT_ONCE, Predictor
from sam_backend.predict.tracing.mask_tracer import MaskTracer, TracedMask

POSITION_GAIN = 10.0
"""Of a cell's position in the encoder, beside what the picture shows."""

AREA_SHARES = (0.035, 0.05, 0.08)
"""Of the picture, that a mask of each of the three readings covers on average."""

LOGIT_STD = 3.75
"""Of the masks. The seeded network's own logits reach no further than .5."""

STABILITY_OFFSET = 1 / 16
"""For all generators, in place of 1: outlines of random weights are softer than trained ones. Logits and offset of 16
times the size would give the very same masks, as powers of two round nothing, but would be too steep to tell a pixel
that rounding decides from one that is wrong."""

MOST_SHARE_PASSING = 1 / 3
"""Of all masks, by their predicted IoU."""

MOST_FOUND = 150
"""Masks of a picture, after all filters."""


@torch.inference_mode()
def make_realistic(predictor: Predictor, image: NDArray[np.uint8], n_per_side: int) -> str:
    """Adjust the weights in place, for everyone who shares them; say what passes now.

    Args:
        predictor: that holds them.
        image: (h, w, 3), to adjust them on.
        n_per_side: of the grid of points to count on.
    """
    options = automatic_options(n_per_side)
    network = predictor.network
    _place_cells(network)
    embedding = predictor.embed(image)
    height, width = embedding.image_hw
    points_xy = point_grid(n_per_side) * np.array([width, height])
    _fit_kernels(network, embedding, points_xy)
    limit, sentence = _choose_limit(predictor.decode_points(embedding, points_xy, -np.inf), embedding, options)
    network.mask_decoder.iou_prediction_head.layers[-1].bias += options.pred_iou_thresh - limit
    return sentence


def automatic_options(n_per_side: int) -> AutomaticOptions:
    """Those that fit the weights: the official defaults but for the stability offset."""
    return AutomaticOptions(points_per_side=n_per_side, stability_score_offset=STABILITY_OFFSET)


def _place_cells(network: Sam) -> None:
    position = network.grid_position()  # (1, cells, c)
    of_encoder = network.image_encoder.pos_embed
    mixing = torch.randn(position.shape[-1], of_encoder.shape[-1], generator=torch.Generator().manual_seed(0))
    mixed = position @ mixing / position.shape[-1] ** 0.5
    of_encoder.copy_(POSITION_GAIN * mixed.view_as(of_encoder))
    for doubling in (0, 3):  # else every mask is a checkerboard
        weight = network.mask_decoder.output_upscaling[doubling].weight
        weight.copy_(weight[:, :, :1, :1].expand_as(weight).clone())


def _fit_kernels(network: Sam, embedding: Embedding, points_xy: NDArray[np.float64]) -> None:
    """Fit the kernels' last layers so that a pixel's logit tells how much it looks like the pixel clicked."""
    model_xy = torch.from_numpy(embedding.frame.image_to_model_xy(points_xy.astype(np.float32)))
    hidden, cells = _decode(network, embedding, model_xy)
    look = _look_of_cells(network, embedding, cells)  # (rows, columns, c)
    mean, whitening = _whitening(look.flatten(0, 1))
    one = torch.linalg.lstsq(look.flatten(0, 1), torch.ones(look.shape[0] * look.shape[1], 1)).solution[:, 0]
    cell_px = network.image_size / network.image_encoder.grid_size
    x, y = (model_xy / cell_px).long().unbind(dim=1)
    alike = (look[y.clamp(max=look.shape[0] - 1), x.clamp(max=look.shape[1] - 1)] - mean) @ whitening  # (n, c)
    scores = (look.flatten(0, 1) - mean) @ alike.T
    for mlp, of_reading, share in zip(
        network.mask_decoder.output_hypernetworks_mlps[1:], hidden, AREA_SHARES, strict=True
    ):
        limit = torch.quantile(scores.flatten()[::7][:1_000_000], 1 - share)
        wanted = LOGIT_STD / scores.std() * (alike - (alike @ mean + limit)[:, None] * one)
        weight_and_bias = _ridge(torch.cat([of_reading, torch.ones(len(of_reading), 1)], dim=1), wanted)
        mlp.layers[-1].weight.copy_(weight_and_bias[:-1].T)
        mlp.layers[-1].bias.copy_(weight_and_bias[-1])


def _decode(network: Sam, embedding: Embedding, model_xy: Tensor) -> tuple[list[Tensor], Tensor]:
    """What goes into the kernels' last layers, (n, width) for each reading, and the mean of the cells (1, g * g, c)."""
    hidden: list[list[Tensor]] = [[] for _ in range(READINGS_PER_POINT)]
    hooks = [
        mlp.layers[-1].register_forward_pre_hook(lambda _, inputs, into=into: into.append(inputs[0]))
        for mlp, into in zip(network.mask_decoder.output_hypernetworks_mlps[1:], hidden, strict=True)
    ]
    sums = []
    for few_xy in model_xy.split(CPU_PROMPTS_AT_ONCE):
        clicks = PromptTensors(few_xy[:, None], torch.ones(len(few_xy), 1, dtype=torch.bool))
        cells = torch.cat(network.attend(embedding.memory, clicks, multimask=True).cells, dim=1)
        sums.append(cells.sum(dim=0, keepdim=True))
    for hook in hooks:
        hook.remove()
    return [torch.cat(of_reading) for of_reading in hidden], sum(sums[1:], sums[0]) / len(model_xy)


def _look_of_cells(network: Sam, embedding: Embedding, cells: Tensor) -> Tensor:
    """Upscaled cells that the picture covers: (rows, columns, c), one pixel of each, as all of a cell are alike."""
    side = network.image_encoder.grid_size
    pixels = network.mask_decoder.output_upscaling(cells.transpose(1, 2).unflatten(2, (side, side)))
    rows, columns = (-(-seen // 4) for seen in embedding.frame.seen_low_res_hw(network.low_res_size))
    look: Tensor = pixels[0, :, ::4, ::4].movedim(0, -1)[:rows, :columns]
    return look


def _whitening(look: Tensor) -> tuple[Tensor, Tensor]:
    mean = look.mean(dim=0)
    covariance = (look - mean).T @ (look - mean) / len(look)
    ridge = 0.1 * covariance.diagonal().mean()
    return mean, torch.linalg.inv(covariance + ridge * torch.eye(len(covariance)))


def _ridge(inputs: Tensor, wanted: Tensor) -> Tensor:
    """Least squares in double precision: what distinguishes clicks is a small part of the inputs."""
    inputs, wanted = inputs.double(), wanted.double()
    gram = inputs.T @ inputs
    small = 1e-9 * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    return torch.linalg.solve(gram + small, inputs.T @ wanted).float()


def _choose_limit(masks: PointMasks, embedding: Embedding, options: AutomaticOptions) -> tuple[float, str]:
    """The predicted IoU above which a third of the masks lies, or fewer where too many would be found."""
    low_res_size = masks.low_res_logits.shape[-1]
    tracer = MaskTracer.of_crop(
        embedding.frame,
        low_res_size,
        left_top_xy=(0, 0),
        image_hw=embedding.image_hw,
        stability_offset=options.stability_score_offset,
    )
    stable = [one for one in tracer.trace(masks.low_res_logits, options.stability_score_thresh) if one.runs.area_px]
    falling, n_passing = np.sort(masks.predicted_iou)[::-1], int(MOST_SHARE_PASSING * len(masks.index))
    while True:
        limit = float(falling[n_passing - 1 : n_passing + 1].mean())  # as far as can be from either mask's
        passing = [one for one in stable if masks.predicted_iou[one.index] > limit]
        n_found = _n_found(passing, masks, options)
        if n_found <= MOST_FOUND:
            break
        n_passing = int(0.9 * n_passing)
    return limit, (
        f"weights adjusted (`realistic.py`): of {len(masks.index)} masks {n_passing} pass by predicted IoU, "
        f"{len(passing)} of them are stable, {n_found} stay without duplicates"
    )


def _n_found(traced: list[TracedMask], masks: PointMasks, options: AutomaticOptions) -> int:
    boxes_xyxy = np.array([one.runs.box_inclusive_xyxy() for one in traced], np.int64).reshape(-1, 4)
    scores = masks.predicted_iou[np.array([one.index for one in traced], np.int64)]
    return len(box_nms(boxes_xyxy, scores, options.box_nms_thresh))
