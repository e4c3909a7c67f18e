"""Drop path and dropout for training, put into a network from outside and taken out again.

The official code has neither, and the paper trained with both (appendix A, "Training recipe" and "Lightweight mask
decoder"). Neither has weights, so they are hooks here: the network stays the official one, and so do its files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from sam_backend.errors import SettingsError
from sam_backend.model.sam import Sam

_VIT_BRANCH = re.compile(r"image_encoder\.(blocks\.\d+)\.(?:attn|mlp)")
_CONV_BRANCH = re.compile(r"image_encoder\.(stages\.\d+\.\d+)\.conv2")
_DECODER_LAYER = re.compile(
    r"mask_decoder\.transformer\.(?:layers\.\d+\."
    r"(?:self_attn|cross_attn_token_to_image|mlp|cross_attn_image_to_token)|final_attn_token_to_image)"
)

_Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]


@contextmanager
def regularised(
    network: Sam, drop_path: float = 0.0, decoder_dropout: float = 0.0, generator: torch.Generator | None = None
) -> Iterator[None]:
    """Regularise a network while in the ``with`` block. Nothing happens in evaluation mode, nor to the state dict.

    Args:
        network: ViT or convolutional; its layers are found by their official names.
        drop_path: how often the deepest encoder block's residual branches are dropped (arXiv 1603.09382). The rate
            grows linearly from 0 at the first block, as in ViTDet (arXiv 2203.16527), whose code SAM's encoder is.
            A branch is dropped for the whole call, which in training is one picture; if it stays, it is scaled up so
            that its mean stays. Of a convolutional encoder every residual block is a branch.
        decoder_dropout: share of values zeroed after each self-attention, cross-attention and MLP of the decoder.
        generator: the only source of chance, on the network's device; PyTorch's own if there is none.

    Raises:
        SettingsError: a rate is outside 0..1, or the encoder is of a kind without known branches.
    """
    for name, rate in (("drop path", drop_path), ("decoder dropout", decoder_dropout)):
        if not 0 <= rate < 1:
            raise SettingsError(f"{name} is {rate:g}, but a rate lies from 0 to below 1: 0 switches it off")
    with ExitStack() as hooks:
        if drop_path:
            for branch, rate in _branches_with_rates(network, drop_path):
                hooks.callback(branch.register_forward_hook(_drop_whole(rate, generator)).remove)
        if decoder_dropout:
            for layer in _named_like(_DECODER_LAYER, network).values():
                hooks.callback(layer.register_forward_hook(_drop_values(decoder_dropout, generator)).remove)
        yield


def _branches_with_rates(network: Sam, deepest_rate: float) -> list[tuple[nn.Module, float]]:
    """Both branches of a ViT's block share a rate; the first block's is 0."""
    branches = _named_like(_VIT_BRANCH, network) or _named_like(_CONV_BRANCH, network)
    if not branches:
        kind = type(network.image_encoder).__name__
        raise SettingsError(f"drop path knows no residual branches of a {kind}: set it to 0 for this network")
    blocks = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in branches))
    rates = dict(zip(blocks, torch.linspace(0, deepest_rate, len(blocks)).tolist(), strict=True))
    return [(branch, rates[name.rsplit(".", 1)[0]]) for name, branch in branches.items()]


def _named_like(pattern: re.Pattern[str], network: Sam) -> dict[str, nn.Module]:
    return {name: module for name, module in network.named_modules() if pattern.fullmatch(name)}


def _drop_whole(rate: float, generator: torch.Generator | None) -> _Hook:
    def drop(module: nn.Module, _: tuple[Tensor, ...], branch: Tensor) -> Tensor | None:
        return branch * _keep((1,), branch, rate, generator) if module.training else None

    return drop


def _drop_values(rate: float, generator: torch.Generator | None) -> _Hook:
    def drop(module: nn.Module, _: tuple[Tensor, ...], values: Tensor) -> Tensor | None:
        return values * _keep(tuple(values.shape), values, rate, generator) if module.training else None

    return drop


def _keep(shape: tuple[int, ...], like: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """0 where something is dropped, else what keeps the mean as it was."""
    return like.new_empty(shape).bernoulli_(1 - rate, generator=generator) / (1 - rate)
