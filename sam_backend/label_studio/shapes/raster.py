"""Regions of pixels: ``<Brush>`` (RLE of the whole picture) and ``<Bitmask>`` (PNG)."""

from __future__ import annotations

import base64
from typing import Any

from sam_backend.label_studio.output_options import OutputOptions
from sam_backend.label_studio.shapes.silhouette import Silhouette
from sam_backend.masks.png import encode_mask_png
from sam_backend.masks.rle_brush import encode_brush_rle


def brush_values(silhouette: Silhouette, _: OutputOptions) -> list[dict[str, Any]]:
    """One value: the mask as brush RLE."""
    return [{"format": "rle", "rle": encode_brush_rle(silhouette.mask)}]


def bitmask_values(silhouette: Silhouette, _: OutputOptions) -> list[dict[str, Any]]:
    """One value: the mask as a PNG of 1 bit, transparent where there is no object, in a ``data:`` URI."""
    png = base64.b64encode(encode_mask_png(silhouette.mask)).decode("ascii")
    return [{"imageDataURL": f"data:image/png;base64,{png}"}]
