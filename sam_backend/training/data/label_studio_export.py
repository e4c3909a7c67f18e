"""Label Studio's JSON export: tasks with annotations; their pictures in a folder of this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import unquote, urlsplit

from sam_backend.errors import DatasetError, ImageSourceError
from sam_backend.label_studio.local_files import local_file_name
from sam_backend.predict.picture import read_picture
from sam_backend.training.data.json_file import read_json
from sam_backend.training.data.label_studio_regions import region_masks
from sam_backend.training.data.picture_folder import folder_of_pictures, is_picture_name, pair_pictures
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.sample import LabelledPicture

_UPLOAD_PREFIX = re.compile(r"(^|.*/)[0-9a-f]{8}-(?=[^/]+$)")
"""Label Studio puts it before the name of an uploaded file."""


def is_label_studio_export(document: object) -> TypeGuard[list[Any]]:
    """Whether parsed JSON is an export of tasks: a list of objects with ``data`` and ``annotations``."""
    return (
        isinstance(document, list)
        and len(document) > 0
        and any(isinstance(task, Mapping) and {"data", "annotations"} <= task.keys() for task in document)
    )


def open_label_studio_export(
    file: Path, images: Path | None = None, data_key: str | None = None
) -> LabelStudioPictures:
    """Open an export; see `LabelStudioPictures`.

    Raises:
        DatasetError: it is no JSON, or `LabelStudioPictures` finds nothing in it.
    """
    return LabelStudioPictures(read_json(file), file, images, data_key)


class LabelStudioPictures:
    """The annotated pictures of an export, named by their addresses without host and query.

    Of several annotations of a task one counts: the ground truth if one is marked so, else the one changed last.
    Cancelled ones never count, nor do tasks without any.
    """

    def __init__(self, document: object, file: Path, images: Path | None = None, data_key: str | None = None) -> None:
        """Pair tasks and pictures. No mask is decoded.

        Args:
            document: what ``file`` holds, parsed.
            file: where it comes from.
            images: the folder of the pictures, with or without the prefix that Label Studio gives to uploads; by
                default it is looked for around the file.
            data_key: where a task's ``data`` has the picture's address; by default the only address there.

        Raises:
            DatasetError: it isn't Label Studio's JSON, or no annotated picture is to be found.
        """
        if not is_label_studio_export(document):
            raise DatasetError(f"{file} isn't Label Studio's export: wanted the format JSON, not JSON-MIN")
        self.skipped = SkippedItems()
        self._regions: dict[str, list[object]] = {}
        for index, task in enumerate(document):
            self._add(task, index, data_key)
        if not self._regions:
            raise DatasetError(f"{file} holds no annotated picture: submit annotations first, then export as JSON")
        addresses = {name: _addresses(name) for name in self._regions}
        folder = images or folder_of_pictures(file, (one for listed in addresses.values() for one in listed))
        self._paths = pair_pictures(folder, addresses, self.skipped)
        self.names = list(self._paths)
        if not self.names:
            raise DatasetError(f"no picture of {file}, e.g. {next(iter(addresses))}, is in {folder}: give their folder")

    def read(self, name: str) -> LabelledPicture:
        """Read one picture. Masks are decoded one by one when they are asked for.

        Raises:
            ImageError: the picture can't be read.
        """
        image = read_picture(self._paths[name])
        masks = region_masks(self._regions[name], name, (image.shape[0], image.shape[1]), self.skipped)
        return LabelledPicture(image=image, masks=masks)

    def _add(self, task: object, index: int, data_key: str | None) -> None:
        called = f"task {task.get('id', f'[{index}]')}" if isinstance(task, Mapping) else f"task [{index}]"
        try:
            if not isinstance(task, Mapping):
                raise DatasetError(f"it is a {type(task).__name__}, where an object is wanted: export it again as JSON")
            regions = annotated_regions(task)
            if regions is None:
                return
            name = _picture_path(task, data_key)
            if name in self._regions:
                raise DatasetError(f"an earlier task has its picture {name}: keep one of them")
            self._regions[name] = regions
        except (DatasetError, ImageSourceError) as error:
            self.skipped.add(called, error)


def annotated_regions(task: Mapping[str, Any]) -> list[object] | None:
    """The regions of the annotation of a task that counts; None if there is none.

    Raises:
        DatasetError: the task has no list of annotations.
    """
    annotations = task.get("annotations")
    if not isinstance(annotations, list):
        raise DatasetError("it has no list of annotations: export it again as JSON")
    valid = [
        annotation
        for annotation in annotations
        if isinstance(annotation, Mapping)
        and not annotation.get("was_cancelled")
        and isinstance(annotation.get("result"), list)
    ]
    if not valid:
        return None
    regions: list[object] = max(valid, key=_rank)["result"]
    return regions


def _rank(annotation: Mapping[str, Any]) -> tuple[bool, str]:
    """Ground truth first, then by time, which Label Studio writes as ISO 8601 in UTC."""
    return bool(annotation.get("ground_truth")), str(annotation.get("updated_at", ""))


def _picture_path(task: Mapping[str, Any], data_key: str | None) -> str:
    data = task.get("data")
    data = data if isinstance(data, Mapping) else {}
    addresses = {key: _path_of(value) for key, value in data.items() if isinstance(value, str) and value.strip()}
    if data_key is not None:
        chosen = [addresses[data_key]] if data_key in addresses else []
    else:
        chosen = [path for path in addresses.values() if is_picture_name(path)]
    if len(chosen) != 1:
        what = "several addresses of pictures" if chosen else "no address of a picture"
        raise DatasetError(f"its data has {what} among {sorted(map(str, data))}: say which key has it (data_key)")
    return chosen[0]


def _path_of(address: str) -> str:
    """The path of an address on Label Studio, on the web, in a bucket or on a disk, without its first slash."""
    local = local_file_name(address)
    if local is None and ("://" in address or address.startswith("/data/")):
        try:
            local = unquote(urlsplit(address).path)
        except ValueError:
            raise DatasetError(f"the address {address[:60]!r} makes no sense: import the task again") from None
    return (address if local is None else local).strip().lstrip("/")


def _addresses(path: str) -> list[str]:
    """What the picture's file may be called here."""
    without_prefix = _UPLOAD_PREFIX.sub(r"\1", path)
    return [path] if without_prefix == path else [path, without_prefix]
