"""Times of the mask codecs beside pycocotools' and, where SDK_PYTHON names a Python that has it, label_studio_sdk's.

    [SDK_PYTHON=...] python benchmarks/bench_masks.py

Milliseconds are the best of several runs; a ratio above 1 says how many times faster ours is. Times of pycocotools
include the column-major copy it asks for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as pycocotools_mask

from sam_backend.masks.png import decode_mask_png, encode_mask_png
from sam_backend.masks.polygons import mask_to_polygons, polygons_to_mask
from sam_backend.masks.rle_brush import decode_brush_rle, encode_brush_rle
from sam_backend.masks.rle_coco import decode_coco_rle, encode_coco_rle

_REPEATS = 7
_SDK_TIMES = """
import json, sys, timeit
import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle

times_ms = {}
with np.load(sys.argv[1]) as masks:
    for name in masks.files:
        mask = masks[name].astype(np.uint8) * 255
        rle = mask2rle(mask)
        encode_s = min(timeit.repeat(lambda: mask2rle(mask), number=1, repeat=3))
        decode_s = min(timeit.repeat(lambda: decode_rle(rle), number=1, repeat=1))
        times_ms[name] = {"brush encode": 1000 * encode_s, "brush decode": 1000 * decode_s}
json.dump(times_ms, sys.stdout)
"""


def scene(h: int, w: int, *, is_ragged: bool) -> NDArray[np.bool_]:
    """A disc of 0.4 of the short side; ragged: its radius is noisy from pixel to pixel, by 3 px on 800."""
    y, x = np.mgrid[:h, :w].astype(np.float32)
    radius_px = np.full((h, w), 0.4 * min(h, w), np.float32)
    if is_ragged:
        radius_px += np.random.default_rng(0).normal(0, 3 * w / 800, (h, w))
    return np.hypot(x - w / 2, y - h / 2) < radius_px


def scenes() -> dict[str, NDArray[np.bool_]]:
    """Masks by their names."""
    return {
        f"{w}x{h} {'ragged' if is_ragged else 'smooth'}": scene(h, w, is_ragged=is_ragged)
        for w, h in ((800, 600), (4000, 3000))
        for is_ragged in (False, True)
    }


def best_ms(call: Callable[[], object]) -> float:
    """Milliseconds of the fastest run."""
    return 1000 * min(timeit.repeat(call, number=1, repeat=_REPEATS))


def our_times_ms(mask: NDArray[np.bool_]) -> dict[str, float]:
    """Of every codec, both ways."""
    coco, brush = encode_coco_rle(mask), encode_brush_rle(mask)
    png, polygons = encode_mask_png(mask), mask_to_polygons(mask)
    return {
        "COCO encode": best_ms(lambda: encode_coco_rle(mask)),
        "COCO decode": best_ms(lambda: decode_coco_rle(coco)),
        "brush encode": best_ms(lambda: encode_brush_rle(mask)),
        "brush decode": best_ms(lambda: decode_brush_rle(brush, mask.shape)),
        "PNG encode": best_ms(lambda: encode_mask_png(mask)),
        "PNG decode": best_ms(lambda: decode_mask_png(png)),
        "polygons": best_ms(lambda: mask_to_polygons(mask)),
        "polygons back": best_ms(lambda: polygons_to_mask(polygons, mask.shape)),
    }


def pycocotools_times_ms(mask: NDArray[np.bool_]) -> dict[str, float]:
    """Of pycocotools' encoder and decoder."""
    rle = pycocotools_mask.encode(np.asfortranarray(mask, np.uint8))
    return {
        "COCO encode": best_ms(lambda: pycocotools_mask.encode(np.asfortranarray(mask, np.uint8))),
        "COCO decode": best_ms(lambda: np.ascontiguousarray(pycocotools_mask.decode(rle))),
    }


def sdk_times_ms(masks: dict[str, NDArray[np.bool_]]) -> dict[str, dict[str, float]]:
    """Of the SDK's brush codec, by the masks' names; empty where SDK_PYTHON isn't set."""
    if "SDK_PYTHON" not in os.environ:
        return {name: {} for name in masks}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "masks.npz")
        np.savez(path, **masks)
        sdk_command = [os.environ["SDK_PYTHON"], "-c", _SDK_TIMES, str(path)]
        sdk = subprocess.run(sdk_command, capture_output=True, check=True)  # noqa: S603 -- the developer names the program
    times_ms: dict[str, dict[str, float]] = json.loads(sdk.stdout)
    return times_ms


def beside(theirs_ms: float | None, ours_ms: float) -> str:
    """The table's last two columns."""
    return f"{'-':>11}{'-':>8}" if theirs_ms is None else f"{theirs_ms:11.1f}{theirs_ms / ours_ms:8.1f}"


def main() -> None:
    """Print the table."""
    masks = scenes()
    sdk_ms = sdk_times_ms(masks)
    lines = [f"{'mask':18}{'codec':16}{'ours ms':>10}{'theirs ms':>11}{'ratio':>8}"]
    for name, mask in masks.items():
        theirs_ms = pycocotools_times_ms(mask) | sdk_ms[name]
        for codec, ours in our_times_ms(mask).items():
            lines.append(f"{name:18}{codec:16}{ours:10.1f}{beside(theirs_ms.get(codec), ours)}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
