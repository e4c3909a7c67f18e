"""Which weights learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from sam_backend.model.sam import Sam

Part = Literal["everything", "decoder", "encoder"]
"""``decoder`` has the prompt encoder with it: both speak of prompts, and neither sees a picture."""


@dataclass(frozen=True, slots=True)
class TrainedWeights:
    """How much of a network learns, counted in numbers."""

    n_trained: dict[str, int]
    """By part, in the order of the network: image encoder, prompt encoder, mask decoder."""

    n_weights: int
    """Of the whole network, frozen ones included."""

    def __str__(self) -> str:
        """One line for people."""
        total = sum(self.n_trained.values())
        parts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.n_trained.items() if count)
        return f"{total:,} of {self.n_weights:,} weights learn ({total / self.n_weights:.1%}): {parts or 'none'}"


def choose_trained(network: Sam, part: Part) -> TrainedWeights:
    """Let a part of a network learn and freeze the rest.

    The IoU head and its token always learn: a mask that changes has another IoU, and thresholds on the predicted one
    keep their meaning only if it is learnt along.

    Args:
        network: changed in place (``requires_grad``).
        part: what learns.
    """
    network.requires_grad_(part == "everything")
    chosen: dict[Part, tuple[nn.Module, ...]] = {
        "everything": (),
        "decoder": (network.prompt_encoder, network.mask_decoder),
        "encoder": (network.image_encoder,),
    }
    for module in (*chosen[part], *iou_head(network)):
        module.requires_grad_(True)
    return count_trained(network)


def iou_head(network: Sam) -> tuple[nn.Module, nn.Module]:
    """What predicts a mask's IoU."""
    return network.mask_decoder.iou_prediction_head, network.mask_decoder.iou_token


def count_trained(network: Sam) -> TrainedWeights:
    """Count the weights that learn."""
    n_trained = {
        name: sum(parameter.numel() for parameter in part.parameters() if parameter.requires_grad)
        for name, part in network.named_children()
    }
    return TrainedWeights(n_trained, n_weights=sum(parameter.numel() for parameter in network.parameters()))
