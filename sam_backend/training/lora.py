"""Low-rank adaptation (arXiv 2106.09685): a fine-tune of few numbers that ends as a plain checkpoint.

A matrix W of an attention becomes W + b a with narrow a and b, which alone learn. Put in by PyTorch's parametrisation,
so that the network's own code doesn't know of it, and merged into W for saving, so that nobody else has to know either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sam_backend.errors import SettingsError
from sam_backend.model.layers import LayerNorm2d
from sam_backend.model.sam import Sam
from sam_backend.model.variants import infer_config
from sam_backend.training.freeze import Part, TrainedWeights, count_trained, iou_head

_ATTENTION = re.compile(r".*\.(?:qkv|proj|[qkv]_proj|out_proj)")
_ADAPTED = ".parametrizations.weight."
_MLP = re.compile(r".*\.mlp\.(?:lin|fc)[12]")


@dataclass(frozen=True, slots=True)
class LoraReport:
    """Where LoRA went."""

    rank: int
    n_in_encoder: int
    """Matrices of the image encoder that it adapts: none where the encoder has no attention or was to stay."""

    n_in_decoder: int
    encoder_kind: str
    trained: TrainedWeights

    def __str__(self) -> str:
        """One line for people."""
        places = f"{self.n_in_encoder} matrices of the encoder and {self.n_in_decoder} of the decoder"
        if not self.n_in_encoder:
            places = f"{self.n_in_decoder} matrices of the decoder and none of the {self.encoder_kind}, which stays"
        return f"LoRA of rank {self.rank} in {places}; {self.trained}"


def add_lora(
    network: Sam,
    rank: int,
    alpha: float | None = None,
    *,
    part: Part = "everything",
    in_mlps: bool = False,
    trains_norms: bool = False,
) -> LoraReport:
    """Freeze a network and let low-rank changes of its attention learn instead; at first they change nothing.

    The mask tokens and the IoU token and head learn whole: they are small, and a mask that changes has another IoU. A
    convolutional encoder has no attention, so with one LoRA sits in the decoder, as the report says.

    Args:
        network: changed in place. Its state dict has other names until `merge_lora`.
        rank: width of a and b. An encoder's query, key and value are one matrix and share theirs.
        alpha: b a is scaled by ``alpha / rank``; the rank itself by default, which is no scaling.
        part: where LoRA goes.
        in_mlps: whether the transformers' MLPs take part besides attention.
        trains_norms: whether the norms learn too, of the encoder where LoRA is in the encoder, and so of the decoder.

    Raises:
        SettingsError: the rank is no positive number, the network has LoRA already, or no matrix could take it.
    """
    if rank < 1:
        raise SettingsError(f"LoRA needs a rank of at least 1, got {rank}: 4 to 16 are usual")
    if any(parametrize.is_parametrized(module) for module in network.modules()):
        raise SettingsError("this network has LoRA already: merge it before adding more")
    places = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and _takes_lora(name, part, in_mlps)
    }
    if not places:
        kind = type(network.image_encoder).__name__
        raise SettingsError(f"a {kind} has no attention that could take LoRA: adapt the decoder, or train without LoRA")
    network.requires_grad_(False)
    for matrix in places.values():
        change = _LowRank(matrix.weight, rank, (rank if alpha is None else alpha) / rank)
        parametrize.register_parametrization(matrix, "weight", change)
    _let_small_parts_learn(network, {name.partition(".")[0] for name in places} if trains_norms else set())
    n_in_encoder = sum(name.startswith("image_encoder.") for name in places)
    return LoraReport(
        rank=rank,
        n_in_encoder=n_in_encoder,
        n_in_decoder=len(places) - n_in_encoder,
        encoder_kind=type(network.image_encoder).__name__,
        trained=count_trained(network),
    )


def merge_lora(network: Sam) -> Sam:
    """A new network with LoRA's changes inside its matrices: the plain layout, which loads anywhere.

    The network given stays as it is. (PyTorch's own removal can't be done on a copy: it would break the original, with
    which a copy shares its classes.)
    """
    state = dict(_plain_weights(network))
    # Building draws random weights first; the chance of a run that goes on must not notice.
    with torch.random.fork_rng(devices=[]):
        plain = Sam(infer_config(state))
    plain.load_state_dict(state)
    return plain.to(network.mask_decoder.iou_token.weight.device).train(network.training)


def _plain_weights(network: Sam) -> Iterator[tuple[str, Tensor]]:
    for name, value in network.state_dict().items():
        module, is_adapted, part = name.partition(_ADAPTED)
        if not is_adapted:
            yield name, value
        elif part == "original":
            yield f"{module}.weight", cast(nn.Linear, network.get_submodule(module)).weight.detach()


class _LowRank(nn.Module):
    """Adds ``b a`` to a matrix (n_out, n_in)."""

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        n_out, n_in = weight.shape
        self.a = nn.Parameter(weight.new_empty(rank, n_in).uniform_(-1, 1) / math.sqrt(n_in))
        self.b = nn.Parameter(weight.new_zeros(n_out, rank))
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        """The adapted matrix."""
        return torch.addmm(weight, self.b, self.a, alpha=self.scale)


def _takes_lora(name: str, part: Part, in_mlps: bool) -> bool:
    return _belongs(name, part) and bool(_ATTENTION.fullmatch(name) or (in_mlps and _MLP.fullmatch(name)))


def _belongs(name: str, part: Part) -> bool:
    roots = {"encoder": ("image_encoder.",), "decoder": ("mask_decoder.",)}
    return name.startswith(roots.get(part, ("image_encoder.", "mask_decoder.")))


def _let_small_parts_learn(network: Sam, parts_with_norms: set[str]) -> None:
    norms = [
        module
        for name, module in network.named_modules()
        if isinstance(module, (nn.LayerNorm, LayerNorm2d)) and name.partition(".")[0] in parts_with_norms
    ]
    for module in (*iou_head(network), network.mask_decoder.mask_tokens, *norms):
        module.requires_grad_(True)
