"""``segment``: masks of one object in a picture."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_backend.cli.arguments import add_model, add_prompts, check_replaces_nothing, load_model, output_file
from sam_backend.cli.overlay import draw_overlay
from sam_backend.geo.geojson import Outline, map_features, pixel_features, write_geojson
from sam_backend.geo.raster import RasterWindow, is_georeferenced
from sam_backend.geo.tiled_raster import read_raster
from sam_backend.masks.polygons import mask_to_polygons
from sam_backend.masks.rle_coco import area_px, bbox_xywh, encode_coco_rle
from sam_backend.predict.picture import read_picture
from sam_backend.types import MaskPrediction, Prompts

TIFF_ENDINGS = {".tif", ".tiff"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("segment", help="masks of one object in a picture")
    parser.add_argument("image", type=Path)
    add_prompts(parser, frame="pixels of the picture")
    add_model(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=output_file(".json", ".png", ".geojson"),
        required=True,
        metavar="OUT",
        help=".json: masks as COCO RLE; .png: the best mask drawn on the picture; .geojson: outlines",
    )
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    path: Path
    pixels: NDArray[np.uint8]  # (h, w, 3)
    place: RasterWindow | None  # where it lies on the map


def run(arguments: argparse.Namespace) -> int:
    """Segment, print the scores, write the output."""
    prompts = Prompts.of(points=arguments.point, box_xyxy=arguments.box)
    check_replaces_nothing(arguments.image, arguments.output)
    picture = _read(arguments.image)
    predictor = load_model(arguments)
    prediction = predictor.segment(predictor.embed(picture.pixels), prompts, multimask=not arguments.single)
    print_scores(prediction)
    _write(arguments.output, picture, prompts, prediction)
    print(f"wrote {arguments.output} (model: {predictor.name})")
    return 0


def print_scores(prediction: MaskPrediction) -> None:
    """Print a line for each mask, the best one marked."""
    for index, (mask, iou) in enumerate(zip(prediction.masks, prediction.predicted_iou, strict=True)):
        mark = "  <- best" if index == prediction.best and len(prediction.masks) > 1 else ""
        print(f"mask {index + 1}: predicted IoU {iou:.3f}, {int(mask.sum())} px{mark}")


def _read(path: Path) -> _Picture:
    if path.suffix.lower() in TIFF_ENDINGS and is_georeferenced(path):
        raster = read_raster(path)
        return _Picture(path=path, pixels=raster.pixels, place=raster)
    return _Picture(path=path, pixels=read_picture(path), place=None)


def _write(output: Path, picture: _Picture, prompts: Prompts, prediction: MaskPrediction) -> None:
    if output.suffix.lower() == ".png":
        draw_overlay(picture.pixels, prediction.masks[prediction.best], prompts).save(output)
    elif output.suffix.lower() == ".json":
        output.write_text(json.dumps(_coco(picture, prediction)) + "\n", encoding="utf-8")
    else:
        write_geojson(_outlines(picture, prediction), output)


def _coco(picture: _Picture, prediction: MaskPrediction) -> dict[str, Any]:
    height, width = picture.pixels.shape[:2]
    rles = [encode_coco_rle(mask) for mask in prediction.masks]
    return {
        "image": {"file_name": picture.path.name, "height": height, "width": width},
        "masks": [
            {"segmentation": rle, "area": area_px(rle), "bbox": bbox_xywh(rle), "predicted_iou": float(iou)}
            for rle, iou in zip(rles, prediction.predicted_iou, strict=True)
        ],
    }


def _outlines(picture: _Picture, prediction: MaskPrediction) -> dict[str, Any]:
    outlines = [
        Outline(
            polygons=mask_to_polygons(mask),
            properties={"predicted_iou": round(float(iou), 4), "area_px": int(mask.sum())},
        )
        for mask, iou in zip(prediction.masks, prediction.predicted_iou, strict=True)
    ]
    if picture.place is None:
        return pixel_features(outlines)
    return map_features(outlines, picture.place.transform, picture.place.crs)
