"""Masks of pictures as files: SA-1B's JSON beside each picture, and one COCO file for many."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from sam_backend.errors import MaskError
from sam_backend.masks.rle_coco import bbox_xywh
from sam_backend.predict.automatic.records import MaskRecord

IMAGE_KEYS = {"file_name", "width", "height"}
ANNOTATION_KEYS = {"segmentation", "area", "predicted_iou", "stability_score"}

BEGINNING = re.compile(
    rb'\{"image": \{"image_id": \d+, "width": \d+, "height": \d+, "file_name": "(?:[^"\\]|\\.)*"\}, '
    rb'"annotations": \[(?:\]|\{"id": 1, "segmentation": \{"size": \[)'
)
"""Of a file that `write_json` made of `sa1b_content`."""

BEGINNING_BYTES = 4096
"""A file's name is 255 bytes at most, each of them 6 characters in JSON."""


def sa1b_content(records: Sequence[MaskRecord], image_hw: tuple[int, int], file_name: str) -> dict[str, Any]:
    """Lay out a picture's masks as SA-1B does; boxes are XYWH, ``bbox`` one px short as in the official records.

    Args:
        records: of the picture.
        image_hw: in image px.
        file_name: of the picture; the number at the end of its name becomes its id, 0 where there is none.
    """
    height, width = image_hw
    return {
        "image": {"image_id": _image_id(file_name), "width": width, "height": height, "file_name": file_name},
        "annotations": [{"id": number, **record.to_dict("coco_rle")} for number, record in enumerate(records, start=1)],
    }


def _image_id(file_name: str) -> int:
    number = re.search(r"(\d{1,18})$", Path(file_name).stem)
    return int(number.group()) if number else 0


def coco_content(pictures: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Gather SA-1B contents in one COCO file of the single category ``object``.

    Pictures and masks are numbered from 1 in the order given; ``bbox`` is what pycocotools makes of the mask;
    ``score`` is the predicted IoU.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, picture in enumerate(pictures, start=1):
        image = picture["image"]
        images.append({"id": image_id} | {name: image[name] for name in ("file_name", "width", "height")})
        for found in picture["annotations"]:
            annotations.append(_coco_annotation(found, number=len(annotations) + 1, image_id=image_id))
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "object"}]}


def _coco_annotation(found: Mapping[str, Any], *, number: int, image_id: int) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "segmentation": found["segmentation"],
        "bbox": list(bbox_xywh(found["segmentation"])),
        "area": found["area"],
        "score": found["predicted_iou"],
        "stability_score": found["stability_score"],
    }


def begins_as_written(path: Path) -> bool:
    """Whether a file begins as `sa1b_content` does when `write_json` has written it. Only the beginning is read."""
    with path.open("rb") as file:
        return BEGINNING.match(file.read(BEGINNING_BYTES)) is not None


def read_sa1b(path: Path) -> dict[str, Any]:
    """Read a file that holds `sa1b_content`, or as much of it as `coco_content` wants.

    Raises:
        MaskError: it holds something else.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_right = _is_sa1b(content)
    except (ValueError, AttributeError, KeyError, TypeError):
        is_right = False
    if not is_right:
        raise MaskError(f"{path} isn't a file of masks as SA-1B has them: move it away or choose another folder")
    return content


def _is_sa1b(content: dict[str, Any]) -> bool:
    return content["image"].keys() >= IMAGE_KEYS and all(
        found.keys() >= ANNOTATION_KEYS and isinstance(found["segmentation"], dict) for found in content["annotations"]
    )


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file that is there either whole or not at all, whenever the program is stopped."""
    _write_whole((json.dumps(content) + "\n").encode(), path)


def write_png(picture: Image.Image, path: Path) -> None:
    """Write a PNG that is there either whole or not at all, whenever the program is stopped."""
    data = io.BytesIO()
    picture.save(data, "PNG")
    _write_whole(data.getvalue(), path)


def _write_whole(data: bytes, path: Path) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)
