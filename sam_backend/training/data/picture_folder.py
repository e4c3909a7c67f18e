"""Finding the pictures that annotations speak of in a folder of this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sam_backend.errors import DatasetError
from sam_backend.training.data.stored import SkippedItems

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"})
"""Of files that `sam_backend.predict.picture.read_picture` reads, in lower case."""


def is_picture_name(name: str) -> bool:
    """Whether a file's name ends as a picture's does."""
    return Path(name).suffix.lower() in PICTURE_ENDINGS


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by name without ending; of two endings the alphabetically first, so never by chance."""
    pictures: dict[str, Path] = {}
    for path in sorted(folder.glob("*")):
        if is_picture_name(path.name):
            pictures.setdefault(path.stem, path)
    return pictures


def find_picture(folder: Path, address: str) -> Path | None:
    """The file that an address of another machine means here.

    Of ``/home/ann/set/train/3.jpg`` the longest tail that lies in the folder counts: ``train/3.jpg`` before ``3.jpg``.
    Nothing outside the folder is found.
    """
    parts = [part for part in address.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if "\0" in address:
        return None
    tails = (folder.joinpath(*parts[first:]) for first in range(len(parts)))
    return next((path for path in tails if path.is_file()), None)


def pair_pictures(folder: Path, addresses: Mapping[str, Sequence[str]], skipped: SkippedItems) -> dict[str, Path]:
    """Find the file of every picture of a data set.

    Pictures without a file are skipped. So are those that share one, as ``a/1.jpg`` and ``b/1.jpg`` do where there is
    only ``1.jpg``: whose it is can't be known, except where the address says exactly that.

    Args:
        folder: of the files.
        addresses: by the picture's name; the first that leads to a file counts.
        skipped: takes the names of those without.
    """
    tries = {name: [find_picture(folder, address) for address in listed] for name, listed in addresses.items()}
    found = {name: next((path for path in paths if path is not None), None) for name, paths in tries.items()}
    n_takers = Counter(found.values())
    pairs: dict[str, Path] = {}
    for name, path in found.items():
        if path is None:
            skipped.add(f"the picture {name}", f"it isn't in {folder}: put it there, or give its folder")
        elif n_takers[path] > 1 and path != folder / addresses[name][0]:
            skipped.add(f"the picture {name}", f"it shares the file {path} with another one: keep their folders apart")
        else:
            pairs[name] = path
    return pairs


def folder_of_pictures(file: Path, addresses: Iterable[str]) -> Path:
    """The folder near an annotation file where the pictures lie.

    Looked for in ``images`` beside the file, beside the file, in ``images`` and in a folder of the file's own name
    (COCO's ``annotations/instances_train2017.json`` and ``train2017``) one level up.

    Raises:
        DatasetError: none of the pictures lies in any of them.
    """
    beside, above = file.parent, file.absolute().parent.parent
    candidates = [beside / "images", beside, above / "images", above / file.stem.rpartition("_")[2]]
    listed = list(addresses)
    for folder in candidates:
        if folder.is_dir() and any(find_picture(folder, address) for address in listed):
            return folder
    example = f", e.g. {listed[0]}" if listed else ""
    raise DatasetError(
        f"the pictures of {file}{example} lie neither beside it nor in a folder images: give their folder"
    )
