"""COCO RLE: run lengths down the columns, as pycocotools writes and reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.masks.check import check_mask, checked_hw
from sam_backend.masks.coco_counts import pack_counts, unpack_counts
from sam_backend.masks.runs import run_lengths


class CocoRle(TypedDict):
    """A mask as COCO's JSON holds it."""

    size: list[int]
    """[height, width]."""

    counts: str
    """Run lengths down the columns, background first, in COCO's compressed form."""


def encode_coco_rle(mask: NDArray[np.bool_]) -> CocoRle:
    """Write a (h, w) mask, True = object; ``counts`` equals pycocotools' byte for byte.

    Raises:
        MaskError: ``mask`` is no (h, w) array of bool.
    """
    check_mask(mask)
    pixels = mask.T.ravel()
    counts = run_lengths(pixels)
    if pixels[0]:
        counts = np.concatenate([np.zeros(1, np.int64), counts])  # the first count is of background
    return CocoRle(size=list(mask.shape), counts=pack_counts(counts))


def decode_coco_rle(rle: Mapping[str, object]) -> NDArray[np.bool_]:
    """Read a mask (h, w), True = object.

    Args:
        rle: ``size`` [h, w] and ``counts``: the compressed string (str or bytes), or a list of run lengths.

    Raises:
        MaskError: a key is missing, the size makes no sense, or the counts are damaged or don't fill the size.
    """
    (h, w), counts = _parse(rle)
    is_object = np.arange(counts.size) % 2 == 1
    return np.ascontiguousarray(np.repeat(is_object, counts).reshape(w, h).T)


def area_px(rle: Mapping[str, object]) -> int:
    """Number of object pixels; nothing is decoded.

    Raises:
        MaskError: as ``decode_coco_rle``.
    """
    _, counts = _parse(rle)
    return int(counts[1::2].sum())


def bbox_xywh(rle: Mapping[str, object]) -> tuple[int, int, int, int]:
    """Left, top, width and height of the object in image px, all 0 where there is none; nothing is decoded.

    Raises:
        MaskError: as ``decode_coco_rle``.
    """
    (h, _), counts = _parse(rle)
    ends = np.cumsum(counts)[1::2]
    is_run = counts[1::2] > 0  # other writers' counts may hold empty runs
    firsts, lasts = (ends - counts[1::2])[is_run], ends[is_run] - 1
    if firsts.size == 0:
        return 0, 0, 0, 0
    x0, x1 = firsts[0] // h, lasts[-1] // h + 1
    y0, y1 = (firsts % h).min(), (lasts % h).max() + 1
    if np.any(firsts // h != lasts // h):  # a run over a column's end touches the bottom and the top
        y0, y1 = 0, h
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)


def _parse(rle: Mapping[str, object]) -> tuple[tuple[int, int], NDArray[np.int64]]:
    if not isinstance(rle, Mapping) or not {"size", "counts"} <= rle.keys():
        raise MaskError(f"a COCO RLE is a mapping with 'size' and 'counts', got {_described(rle)}")
    size, counts = rle["size"], rle["counts"]
    if not isinstance(size, Sequence):
        raise MaskError(f"a COCO RLE's size is a list [height, width], got {size!r}")
    h, w = checked_hw(size)
    run_lengths_px = unpack_counts(counts) if isinstance(counts, str | bytes) else _listed_counts(counts)
    _check_counts(run_lengths_px, h=h, w=w)
    return (h, w), run_lengths_px


def _described(rle: object) -> str:
    return f"the keys {sorted(map(str, rle))}" if isinstance(rle, Mapping) else type(rle).__name__


def _listed_counts(counts: object) -> NDArray[np.int64]:
    try:
        numbers = np.asarray(counts)
    except ValueError:  # lists of unequal length
        numbers = np.zeros(())
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise MaskError(f"a COCO RLE's counts are a string or a list of integers, got {type(counts).__name__}")
    return numbers.astype(np.int64)


def _check_counts(counts: NDArray[np.int64], *, h: int, w: int) -> None:
    if counts.size and (counts.min() < 0 or counts.max() > h * w):
        wrong = counts[(counts < 0) | (counts > h * w)][0]
        raise MaskError(f"the COCO RLE has a run of {wrong} pixels in a mask of {h} x {w}: it is damaged")
    if counts.sum() != h * w:
        raise MaskError(
            f"the COCO RLE's runs add up to {counts.sum()} pixels, but its size {h} x {w} has {h * w}: "
            "the size is wrong or the counts are cut off"
        )
