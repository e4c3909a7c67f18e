"""Masks of every kind, configs of every kind, and the prompt that joins them."""

from typing import Any

import numpy as np

from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.output import outputs_of
from sam_backend.label_studio.response import regions_of
from sam_backend.label_studio.smart_prompt import PointPct, SmartPrompt

IMAGE_HW = (90, 120)
TAGS = ("Polygon", "Bitmask", "Brush", "Vector", "Ellipse", "Rectangle")


def labelled(tag: str, options: str = "") -> str:
    return _config(f'<{tag}Labels name="out" toName="image" {options}><Label value="Car"/></{tag}Labels>')


def unified(tag: str, options: str = "") -> str:
    palette = '<Labels name="label" toName="image"><Label value="Car"/></Labels>'
    return _config(f'{palette}<{tag} name="out" toName="image" {options}/>')


def _config(outputs: str) -> str:
    prompts = '<KeyPoint name="kp" toName="image" smart="true"/><TextArea name="sam" toName="image"/>'
    return f'<View><Image name="image" value="$image"/>{outputs}{prompts}</View>'


CONFIGS = {
    **{f"{tag} with labels": labelled(tag) for tag in TAGS},
    **{f"{tag} beside a palette": unified(tag) for tag in TAGS},
    "turned rectangle": labelled("Rectangle", 'model_rotated="true"'),
    "polygon with slits": labelled("Polygon", 'model_holes="cut" model_simplify_px="0"'),
    "vector with slits": unified("Vector", 'model_holes="cut" model_parts="largest"'),
    "several shapes of one object": _config(
        "".join(
            f'<{tag}Labels name="{tag}" toName="image" model_output="true"><Label value="Car"/></{tag}Labels>'
            for tag in TAGS
        )
    ),
}


def disc(radius: float, centre_xy: tuple[float, float] = (60, 45)) -> np.ndarray:
    y, x = np.mgrid[: IMAGE_HW[0], : IMAGE_HW[1]] + 0.5
    return (x - centre_xy[0]) ** 2 + (y - centre_xy[1]) ** 2 <= radius**2


def _line() -> np.ndarray:
    """Two pixels wide, from corner to corner: longer than the picture is wide."""
    y, x = np.mgrid[: IMAGE_HW[0], : IMAGE_HW[1]] + 0.5
    return np.abs(x * IMAGE_HW[0] - y * IMAGE_HW[1]) < 1.5 * IMAGE_HW[1]


def _pixel() -> np.ndarray:
    mask = np.zeros(IMAGE_HW, np.bool_)
    mask[20, 119] = True
    return mask


def _noise() -> np.ndarray:
    mask = np.zeros(IMAGE_HW, np.bool_)
    mask[40:60, 30:55] = np.random.default_rng(5).random((20, 25)) > 0.5
    return mask


MASKS = {
    "disc": disc(30),
    "ring": disc(40) & ~disc(20),
    "two parts": disc(12, (30, 45)) | disc(9, (90, 45)),
    "at the right edge": disc(20, (118, 80)),
    "whole picture": np.ones(IMAGE_HW, np.bool_),
    "diagonal": _line(),
    "one pixel": _pixel(),
    "noise": _noise(),
}


def regions(mask: np.ndarray, config: str, region_id: str | None = None, **prompt: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    outputs = outputs_of(parse_labeling_config(config), "image", "Car")
    usual = {"to_name": "image", "label": "Car", "original_hw": None, "image_rotation": 0, "item_index": None}
    told = SmartPrompt(**{**usual, "points": (PointPct(50, 50, True),), "rectangle": None, **prompt})
    return regions_of(mask, 0.75, told, outputs, region_id)
