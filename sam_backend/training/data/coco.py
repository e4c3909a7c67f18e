"""COCO's instance annotations: one JSON for a folder of pictures; polygons and RLE, compressed or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from sam_backend.errors import DatasetError
from sam_backend.predict.picture import read_picture
from sam_backend.training.data.coco_records import annotation_id, annotation_masks, check_stated_size
from sam_backend.training.data.json_file import read_json
from sam_backend.training.data.picture_folder import folder_of_pictures, pair_pictures
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.sample import LabelledPicture


def is_coco(document: object) -> TypeGuard[Mapping[str, list[Any]]]:
    """Whether parsed JSON is COCO's: an object with the lists ``images`` and ``annotations``."""
    return isinstance(document, Mapping) and all(
        isinstance(document.get(key), list) for key in ("images", "annotations")
    )


def open_coco(file: Path, images: Path | None = None, with_crowds: bool = False) -> CocoPictures:
    """Open a COCO file; see `CocoPictures`.

    Raises:
        DatasetError: it is no JSON, or `CocoPictures` finds nothing in it.
    """
    return CocoPictures(read_json(file), file, images, with_crowds)


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    record: Mapping[str, Any]
    annotations: list[object]


class CocoPictures:
    """The annotated pictures of a COCO file, named by their ``file_name``. Those without annotations are left out."""

    def __init__(self, document: object, file: Path, images: Path | None = None, with_crowds: bool = False) -> None:
        """Pair annotations and pictures. Nothing is decoded.

        Args:
            document: what ``file`` holds, parsed.
            file: where it comes from.
            images: the folder of the pictures; by default it is looked for around the file.
            with_crowds: also take ``iscrowd`` annotations, which are of many objects in one.

        Raises:
            DatasetError: it isn't COCO's JSON, or no annotated picture is to be found.
        """
        if not is_coco(document):
            raise DatasetError(f"{file} isn't COCO's JSON: wanted an object with the lists images and annotations")
        self.skipped = SkippedItems()
        annotations = self._annotations_by_image(document["annotations"], with_crowds)
        records = self._records_by_name(document["images"])
        self._name_orphans(annotations, {record["id"] for record in records.values()})
        annotated = [name for name, record in records.items() if record["id"] in annotations]
        if not annotated:
            raise DatasetError(f"{file} holds no picture with a segmentation: boxes alone are no masks")
        folder = images or folder_of_pictures(file, annotated)
        self._entries = {
            name: _Entry(path, records[name], annotations[records[name]["id"]])
            for name, path in pair_pictures(folder, {name: [name] for name in annotated}, self.skipped).items()
        }
        if not self._entries:
            raise DatasetError(f"no picture of {file}, e.g. {annotated[0]}, is in {folder}: give their folder")
        self.names = list(self._entries)

    def read(self, name: str) -> LabelledPicture:
        """Read one picture. Masks are decoded one by one when they are asked for.

        Raises:
            DatasetError: the picture isn't of the size the file says.
            ImageError: the picture can't be read.
        """
        entry = self._entries[name]
        image = read_picture(entry.path)
        image_hw = (image.shape[0], image.shape[1])
        check_stated_size(name, image_hw, entry.record)
        masks = annotation_masks(entry.annotations, name, image_hw, self.skipped)
        return LabelledPicture(image=image, masks=masks)

    def _annotations_by_image(self, annotations: list[Any], with_crowds: bool) -> dict[object, list[object]]:
        by_image: dict[object, list[object]] = defaultdict(list)
        for index, annotation in enumerate(annotations):
            if not isinstance(annotation, Mapping) or not isinstance(annotation.get("image_id"), int | str):
                self.skipped.add(f"annotation {annotation_id(annotation, index)}", "it names no picture (image_id)")
            elif not annotation.get("segmentation"):
                self.skipped.add(f"annotation {annotation_id(annotation, index)}", "it has no segmentation")
            elif with_crowds or not annotation.get("iscrowd"):
                by_image[annotation["image_id"]].append(annotation)
        return dict(by_image)

    def _records_by_name(self, images: list[Any]) -> dict[str, Mapping[str, Any]]:
        by_name: dict[str, Mapping[str, Any]] = {}
        for record in images:
            if not _is_usable(record):
                self.skipped.add(f"the picture {str(record)[:60]}", "it has no id or no file_name")
            elif record["file_name"] in by_name:
                self.skipped.add(f"the picture {record['id']}", f"{record['file_name']} was listed before")
            else:
                by_name[record["file_name"]] = record
        return by_name

    def _name_orphans(self, annotations: Mapping[object, list[object]], ids: set[object]) -> None:
        for image_id, orphans in annotations.items():
            for index, orphan in enumerate(orphans if image_id not in ids else []):
                self.skipped.add(f"annotation {annotation_id(orphan, index)}", f"picture {image_id} isn't listed")


def _is_usable(record: object) -> bool:
    return (
        isinstance(record, Mapping)
        and isinstance(record.get("id"), int | str)
        and isinstance(record.get("file_name"), str)
    )
