"""PyTorch's compiler: fewer and larger kernels, and on CUDA all of a run's kernels started as one graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from sam_backend.errors import DeviceError
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.sam import Sam


def compile_network(network: Sam, device: torch.device) -> None:
    """Have the image encoder and, on CUDA, the two-way transformer compiled, in place and each at its first run.

    A run with other shapes (more points, another number of prompts) compiles the transformer once more. On a CPU it is
    left as it is: strips of cells suit the cache better than what the compiler makes of them.

    Raises:
        DeviceError: the compiler doesn't work on this machine.
    """
    _check_compiler(device)
    compile_encoder(network, device)
    if device.type == "cuda":
        compile_transformer(network, device)


def compile_encoder(network: Sam, device: torch.device) -> None:
    """Have the image encoder compiled."""
    encode = _compiled(network.image_encoder, device)

    def in_own_memory(pixels: Tensor) -> ImageFeatures:
        features: ImageFeatures = encode(pixels)
        # A graph's next run overwrites what this one gives; embeddings are kept.
        return replace(features, coarse=features.coarse.clone(), fine=tuple(part.clone() for part in features.fine))

    network.image_encoder.forward = in_own_memory  # type: ignore[method-assign]


def compile_transformer(network: Sam, device: torch.device) -> None:
    """Have the two-way transformer compiled, whose results are used up before its next run."""
    transformer = network.mask_decoder.transformer
    transformer.forward = _compiled(transformer, device)  # type: ignore[method-assign]


def _compiled(module: nn.Module, device: torch.device) -> Callable[..., Any]:
    return torch.compile(module.forward, mode="reduce-overhead" if device.type == "cuda" else "default")


def _check_compiler(device: torch.device) -> None:
    try:
        torch.compile(torch.neg)(torch.zeros(1, device=device))
    except Exception as error:  # noqa: BLE001 - of many kinds, from Python's to the linker's
        reason = str(error).strip().split("\n", 1)[0]
        raise DeviceError(
            f"PyTorch's compiler doesn't work here ({reason}): leave --compile away, or install "
            f"{'Triton' if device.type == 'cuda' else 'a C++ compiler'}"
        ) from None
