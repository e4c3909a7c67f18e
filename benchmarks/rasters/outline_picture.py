"""A part of a raster, more than once, with outlines over it: the true ones, those found, and which are which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from PIL import Image, ImageDraw
from rasterio.windows import Window

from sam_backend.evaluation.outline_matching import OutlineMatching

WINDOW = Window(0, 0, 1536, 1152)
"""What is shown, in raster px."""

PANEL_WH = (800, 600)
GAP_PX, CAPTION_PX = 12, 28
TRUE, RIGHT, WRONG = (255, 221, 51), (60, 230, 90), (255, 70, 220)
CREDIT = "Imagery: OpenAerialMap contributors, CC BY 4.0. Buildings: OpenStreetMap contributors, ODbL"


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One way of asking."""

    title: str
    outlines: Sequence[shapely.Geometry]
    """In map coordinates."""

    matching: OutlineMatching


def draw_panels(raster: Path, truth: Sequence[shapely.Geometry], panels: Sequence[Panel], path: Path) -> None:
    """Write a JPEG of all panels side by side."""
    background, to_panel = _background(raster)
    width, height = PANEL_WH
    whole = Image.new("RGB", (len(panels) * (width + GAP_PX) - GAP_PX, height + 2 * CAPTION_PX), "white")
    for index, panel in enumerate(panels):
        image = background.copy()
        _draw(image, panel, truth, to_panel)
        left = index * (width + GAP_PX)
        whole.paste(image, (left, CAPTION_PX))
        ImageDraw.Draw(whole).text((left, 4), panel.title, "black", font_size=18)
    ImageDraw.Draw(whole).text((0, height + CAPTION_PX + 5), CREDIT, "black", font_size=15)
    whole.save(path, quality=78, optimize=True)


def _background(raster: Path) -> tuple[Image.Image, Affine]:
    """The picture, paled so that outlines stand out, and from map coordinates to its pixels."""
    with rasterio.open(raster) as opened:
        bands = opened.read((1, 2, 3), window=WINDOW)
        to_map: Affine = opened.window_transform(WINDOW)
    image = Image.fromarray(np.moveaxis(bands, 0, -1)).resize(PANEL_WH, Image.Resampling.LANCZOS)
    scale = Affine.scale(PANEL_WH[0] / WINDOW.width, PANEL_WH[1] / WINDOW.height)
    return Image.blend(image, Image.new("RGB", PANEL_WH, "black"), 0.25), scale @ ~to_map


def _draw(image: Image.Image, panel: Panel, truth: Sequence[shapely.Geometry], to_panel: Affine) -> None:
    draw = ImageDraw.Draw(image)
    right = set(panel.matching.pairs[:, 0].tolist())
    for shape in truth:
        _trace(draw, shape, to_panel, TRUE, 1)
    for index, shape in enumerate(panel.outlines):
        _trace(draw, shape, to_panel, RIGHT if index in right else WRONG, 2)


def _trace(
    draw: ImageDraw.ImageDraw, shape: shapely.Geometry, to_panel: Affine, colour: tuple[int, int, int], width_px: int
) -> None:
    for polygon in shapely.get_parts(shape):
        for ring in (polygon.exterior, *polygon.interiors):
            draw.line([to_panel @ tuple(xy) for xy in ring.coords], colour, width_px, joint="curve")
