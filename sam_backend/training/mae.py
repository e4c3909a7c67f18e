"""A start from a masked autoencoder (arXiv 2111.06377), as in the paper: its ViT becomes the image encoder.

Pictures are normalised alike there and here.
"""

from __future__ import annotations

import math
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from sam_backend.errors import CheckpointError
from sam_backend.model.image_encoder import ImageEncoder
from sam_backend.model.vit import VitImageEncoder

_BLOCK = re.compile(r"blocks\.\d+\.(?:norm1|norm2|attn\.qkv|attn\.proj|mlp\.fc1|mlp\.fc2)\.(?:weight|bias)")
_TELLING = {"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "blocks.0.attn.qkv.weight"}
_OURS = {".mlp.fc1.": ".mlp.lin1.", ".mlp.fc2.": ".mlp.lin2."}


@dataclass(frozen=True, slots=True)
class MaeStart:
    """What came of a file."""

    taken: tuple[str, ...]
    """Names of the encoder's weights that are the file's now."""

    interpolated: tuple[str, ...]
    """Those of them that had another size in the file."""

    as_before: tuple[str, ...]
    """Names of the encoder's weights that the file has nothing for: relative positions (zeros in a new network: none
    is favoured) and the neck."""

    left_over: tuple[str, ...]
    """Names in the file that the encoder has no use for: class token, last norm, MAE's own decoder."""

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"took {len(self.taken)} weights of a masked autoencoder"
            f" (interpolated: {', '.join(self.interpolated) or 'none'}); {len(self.as_before)} stay as they were"
            f" (relative positions, neck); {len(self.left_over)} of the file have no place here"
            f" ({', '.join(self.left_over[:3])}{' ...' if len(self.left_over) > 3 else ''})"
        )


@torch.no_grad()
def start_from_mae(encoder: ImageEncoder, path: Path) -> MaeStart:
    """Put the weights of an official MAE file into an image encoder.

    The class token goes; positions are interpolated from the file's grid (14 x 14 for 224 px) to the encoder's; so
    are the filters of a ViT-H, whose patches have 14 px there and 16 px here, as in ViTDet (arXiv 2203.16527).

    Args:
        encoder: a ViT of the same width and depth, changed in place.
        path: ``{"model": weights}`` or bare weights.

    Raises:
        CheckpointError: the file can't be read, holds no MAE encoder, or one of another size; or the encoder is no ViT.
    """
    if not isinstance(encoder, VitImageEncoder):
        raise CheckpointError(
            f"{path.name} can only start a ViT, and this network's encoder is a {type(encoder).__name__}:"
            " train B, L or H"
        )
    state = _read(path)
    wanted = encoder.state_dict()
    try:
        found = _in_our_layout(state, wanted)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name} {error}") from None
    encoder.load_state_dict(found, strict=False)
    theirs = {name: _our_name(name) for name in state}
    return MaeStart(
        taken=tuple(name for name in wanted if name in found),
        interpolated=tuple(_interpolated(state, wanted)),
        as_before=tuple(name for name in wanted if name not in found),
        left_over=tuple(name for name in state if theirs[name] not in found),
    )


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from None
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError, KeyError):
        raise CheckpointError(
            f"{path.name} can't be read as weights: it is truncated, or holds more than weights; "
            "fetch MAE's pre-trained file again"
        ) from None
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path.name} holds no table of weights: give MAE's file with its table 'model'")
    return {name: value.float() for name, value in state.items()}


def _in_our_layout(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    missing = _TELLING - state.keys()
    if missing:
        raise CheckpointError(
            f"is no masked autoencoder's ViT ({min(missing)} is missing): give MAE's pre-trained file"
        )
    _check_size(state, wanted)
    found = {_our_name(name): value for name, value in state.items() if _BLOCK.fullmatch(name)}
    found["patch_embed.proj.bias"] = state["patch_embed.proj.bias"]
    found["patch_embed.proj.weight"] = _resize(state["patch_embed.proj.weight"], wanted["patch_embed.proj.weight"])
    found["pos_embed"] = _positions(state["pos_embed"], wanted["pos_embed"])
    odd = [name for name, value in found.items() if name not in wanted or value.shape != wanted[name].shape]
    short = [name for name in wanted if _BLOCK.fullmatch(_their_name(name)) and name not in found]
    if odd or short:
        raise CheckpointError(f"doesn't fit this encoder at {(odd + short)[0]}: give an unchanged MAE file")
    return found


def _check_size(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    theirs, ours = _width_and_depth(state), _width_and_depth(wanted)
    if theirs != ours:
        raise CheckpointError(
            f"has a ViT of width {theirs[0]} and {theirs[1]} blocks, and this network's has width {ours[0]} and"
            f" {ours[1]} blocks: give the MAE file of the same size"
        )


def _width_and_depth(state: Mapping[str, Tensor]) -> tuple[int, int]:
    blocks = {name.split(".")[1] for name in state if name.startswith("blocks.")}
    return state["patch_embed.proj.bias"].numel(), len(blocks)


def _positions(theirs: Tensor, ours: Tensor) -> Tensor:
    """(1, 1 + n * n, width), the class token first, to (1, grid, grid, width)."""
    n = math.isqrt(max(0, theirs.shape[1] - 1)) if theirs.ndim == 3 else 0
    if n == 0 or theirs.shape[1] != 1 + n * n:
        raise CheckpointError(
            f"has positions of shape {tuple(theirs.shape)}, not (1, 1 + n * n, width): give MAE's file"
        )
    grid = theirs[:, 1:].reshape(1, n, n, -1).permute(0, 3, 1, 2)
    return _resize(grid, ours.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()


def _resize(values: Tensor, like: Tensor) -> Tensor:
    if values.ndim != 4 or values.shape[-2:] == like.shape[-2:]:
        return values
    return F.interpolate(values, like.shape[-2:], mode="bicubic", align_corners=False)


def _interpolated(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    names = {"patch_embed.proj.weight": state["patch_embed.proj.weight"], "pos_embed": state["pos_embed"][:, 1:]}
    return [name for name, value in names.items() if value.numel() != wanted[name].numel()]


def _our_name(name: str) -> str:
    for theirs, ours in _OURS.items():
        name = name.replace(theirs, ours)
    return name


def _their_name(name: str) -> str:
    for theirs, ours in _OURS.items():
        name = name.replace(ours, theirs)
    return name
