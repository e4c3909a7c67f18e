"""Folders of SA-1B: ``sa_1.jpg`` with the masks of ``sa_1.json``, as Meta's archives unpack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sam_backend.errors import DatasetError
from sam_backend.predict.picture import read_picture
from sam_backend.training.data.coco_records import annotation_masks, check_stated_size
from sam_backend.training.data.json_file import read_json
from sam_backend.training.data.picture_folder import pictures_by_stem
from sam_backend.training.data.stored import SkippedItems
from sam_backend.training.sample import LabelledPicture

ANNOTATION_FILES = "sa_*.json"


class Sa1bFolder:
    """The pictures of one folder, named as their files without ending."""

    def __init__(self, folder: Path) -> None:
        """List the folder. No file is opened.

        Raises:
            DatasetError: no picture with a JSON is in it.
        """
        self.skipped = SkippedItems()
        self._folder = folder
        self._pictures = pictures_by_stem(folder)
        stems = sorted(path.stem for path in folder.glob(ANNOTATION_FILES))
        for stem in stems:
            if stem not in self._pictures:
                self.skipped.add(stem, f"there is no {stem}.jpg beside {stem}.json: unpack the archive again")
        self.names = [stem for stem in stems if stem in self._pictures]
        if not self.names:
            raise DatasetError(f"{folder} holds no picture of SA-1B: wanted sa_<id>.jpg with sa_<id>.json")

    def read(self, name: str) -> LabelledPicture:
        """Read one picture. Masks are decoded one by one when they are asked for.

        Raises:
            DatasetError: its JSON is damaged, or of a picture of another size.
            ImageError: the picture can't be read.
        """
        image = read_picture(self._pictures[name])
        document = read_json(self._folder / f"{name}.json")
        annotations = document.get("annotations") if isinstance(document, Mapping) else None
        if not isinstance(document, Mapping) or not isinstance(annotations, list):
            raise DatasetError(f"{name}.json isn't SA-1B's: wanted an object with the list annotations")
        image_hw = (image.shape[0], image.shape[1])
        check_stated_size(name, image_hw, document.get("image"))
        return LabelledPicture(image=image, masks=annotation_masks(annotations, name, image_hw, self.skipped))
