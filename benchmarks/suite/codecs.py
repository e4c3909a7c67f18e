"""Mask codecs beside those of the Label Studio SDK and of pycocotools."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as pycocotools_mask

from benchmarks.suite.measurement import OURS, PYCOCOTOOLS, SDK, Measurement
from benchmarks.suite.scene import mask
from benchmarks.suite.sdk import SdkBrush
from benchmarks.suite.stage import Stage
from benchmarks.suite.turns import Timed, clocked, take_turns
from sam_backend.masks.png import decode_mask_png, encode_mask_png
from sam_backend.masks.polygons import mask_to_polygons, polygons_to_mask
from sam_backend.masks.rle_brush import decode_brush_rle, encode_brush_rle
from sam_backend.masks.rle_coco import decode_coco_rle, encode_coco_rle

PART = "codecs"
SIZES_HW = ((1000, 1500), (3000, 4000))
MOST_PX_FOR_SDK_TO_DECODE = 2_000_000
"""It takes about a microsecond a value, four values a pixel."""


def measure_codecs(stage: Stage) -> Iterator[Measurement]:
    """Yield a case for each codec, size and kind of outline."""
    sizes_hw = ((60, 80),) if stage.is_quick else SIZES_HW
    for height, width in sizes_hw:
        for is_ragged in (False, True):
            one = mask((height, width), is_ragged=is_ragged)
            where = f"{width} x {height}, {'ragged' if is_ragged else 'smooth'}"
            is_same = encode_brush_rle(one) == stage.sdk.rle(one)
            same = "the same bytes as the SDK's" if is_same else "NOT the SDK's bytes"
            for codec, (calls, n_turns) in _calls(one, stage.sdk).items():
                measured = take_turns(PART, f"{codec}, {where}", calls, stage.turns(n_turns), at=height * width)
                remarks = (same,) if codec == "brush encode" else ()
                yield Measurement(measured.part, measured.case, measured.seconds, remarks=remarks)


def _calls(one: NDArray[np.bool_], sdk: SdkBrush) -> dict[str, tuple[dict[str, Timed], int]]:
    """Calls and how often to repeat them, by codec."""
    coco, brush, png, polygons = (
        encode_coco_rle(one),
        encode_brush_rle(one),
        encode_mask_png(one),
        mask_to_polygons(one),
    )
    return {
        "brush encode": (
            {OURS: clocked(lambda: encode_brush_rle(one)), SDK: lambda: sdk.encode_s(one)},
            3,
        ),
        "brush decode": (
            {OURS: clocked(lambda: decode_brush_rle(brush, one.shape))}
            | ({SDK: lambda: sdk.decode_s(brush)} if one.size <= MOST_PX_FOR_SDK_TO_DECODE else {}),
            1,
        ),
        "COCO encode": (
            {
                OURS: clocked(lambda: encode_coco_rle(one)),
                PYCOCOTOOLS: clocked(lambda: pycocotools_mask.encode(np.asfortranarray(one, np.uint8))),
            },
            7,
        ),
        "COCO decode": (
            {
                OURS: clocked(lambda: decode_coco_rle(coco)),
                PYCOCOTOOLS: clocked(lambda: np.ascontiguousarray(pycocotools_mask.decode(dict(coco)))),
            },
            7,
        ),
        "PNG encode": ({OURS: clocked(lambda: encode_mask_png(one))}, 3),
        "PNG decode": ({OURS: clocked(lambda: decode_mask_png(png))}, 3),
        "polygons": ({OURS: clocked(lambda: mask_to_polygons(one))}, 3),
        "polygons back": ({OURS: clocked(lambda: polygons_to_mask(polygons, one.shape))}, 3),
    }
