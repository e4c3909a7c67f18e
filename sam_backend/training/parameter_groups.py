"""What the optimizer is told of each weight: whether it decays, and how fast it learns."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import torch
from torch import nn

from sam_backend.model.sam import Sam

_TABLE = re.compile(r".*\.(?:pos_embed|rel_pos_h|rel_pos_w)")
_FIRST_LAYER = re.compile(r"image_encoder\.(?:patch_embed\.|pos_embed$|stem\.)")
_DEEPER_LAYER = re.compile(r"image_encoder\.(?:blocks|stages)\.(\d+)\.")


def parameter_groups(network: Sam, weight_decay: float, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Sort the weights that are to be trained into groups for AdamW.

    Weight decay takes matrices and convolutions, LoRA's among them (it pulls a fine-tune towards where it started).
    It spares biases and norms, which scale and shift what the next layer expects, and all that is added as it is
    instead of being multiplied: token embeddings and the tables of absolute and relative positions, which 0 would
    turn into "nothing" and "everywhere". ViTDet lets its relative tables decay; they start at 0 there and here.

    The learning rate falls towards the input as in ViTDet (arXiv 2203.16527; arXiv 2106.08254): by ``layer_decay``
    for each of the ViT's blocks, the patch and position embeddings deepest; neck, prompt encoder and decoder learn
    at 1. In a convolutional encoder a stage counts as a block, and the stem is deepest.

    Args:
        network: weights without ``requires_grad`` are left out.
        weight_decay: AdamW's.
        layer_decay: 1 means that all layers learn alike.

    Returns:
        Groups with ``params``, ``weight_decay`` and ``lr_scale``, always in the same order for the same network.
        AdamW keeps ``lr_scale`` as it is; `set_learning_rate` reads it.
    """
    spared = {id(module.weight) for module in network.modules() if isinstance(module, nn.Embedding)}
    n_layers = _n_encoder_layers(network)
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 and id(parameter) not in spared and not _TABLE.fullmatch(name)
            scale = layer_decay ** (n_layers - _layer(name, n_layers))
            groups[scale, weight_decay if decays else 0.0].append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "lr_scale": scale}
        for (scale, decay), parameters in groups.items()
    ]


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Give each group its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["lr_scale"]


def _n_encoder_layers(network: Sam) -> int:
    """How many layers lie under the neck, the embeddings among them; 0 for an encoder without known blocks."""
    numbers = [int(match[1]) for name, _ in network.named_parameters() if (match := _DEEPER_LAYER.match(name))]
    return max(numbers) + 2 if numbers else 0


def _layer(name: str, n_layers: int) -> int:
    """0 for the embeddings, then a number for each block; ``n_layers`` for all that isn't under the neck."""
    if _FIRST_LAYER.match(name):
        return 0
    match = _DEEPER_LAYER.match(name)
    return int(match[1]) + 1 if match else n_layers
