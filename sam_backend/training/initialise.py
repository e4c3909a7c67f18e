"""A start from which a small network learns to look where the user points within minutes instead of days.

With random weights a prompt hardly reaches the masks: the first self-attention mixes all tokens into nearly the same
one, and equal values say nothing, wherever attention looks. Here every attention starts as "like finds like, and hands
over what it is": queries and keys share a projection, so attention peaks where encodings agree, and values come out as
they went in.
"""

from __future__ import annotations

import torch
from torch import nn

from sam_backend.model.downscaled_attention import DownscaledAttention
from sam_backend.model.sam import Sam

FREQUENCY_SPREAD = (0.5, 4.0)
"""Cycles across half the picture. Around 1, as in the official network, small neighbours look too much alike."""

MATCH_GAIN = 2.0


@torch.no_grad()
def initialise(network: Sam) -> None:
    """Set a new network's positional encoding and decoder attention; its other weights stay as PyTorch draws them."""
    matrix = network.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    low, high = FREQUENCY_SPREAD
    matrix.copy_(torch.randn_like(matrix) * torch.logspace(0, 1, matrix.shape[1], base=high / low) * low)
    for module in network.mask_decoder.modules():
        if isinstance(module, DownscaledAttention):
            _like_finds_like(module)


def _like_finds_like(attention: DownscaledAttention) -> None:
    attention.q_proj.weight.mul_(MATCH_GAIN)
    attention.k_proj.weight.copy_(attention.q_proj.weight)
    nn.init.orthogonal_(attention.v_proj.weight)
    attention.out_proj.weight.copy_(attention.v_proj.weight.T)
