"""Turning unpacked packages into one compact folder: ``objects/``, ``backgrounds/`` and ``index.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from sam_backend.errors import DatasetError
from sam_backend.training.synthetic.cutout_index import CutoutIndex, Entry, write_index
from sam_backend.training.synthetic.families import emoji_family, is_held_out, stem_family
from sam_backend.training.synthetic.sources import PictureSource

OBJECT_SIDE_PX = 512
BACKGROUND_SIDE_PX = 1536

SMALLEST_OBJECT_PX = 32
"""A smaller cut-out has no detail left to show."""

LEAST_SOLID_SHARE = 0.6
"""Of what is seen of a cut-out at all; below it is a glow or smoke, whose outline nobody could draw."""


def prepare_folder(packages: Iterable[tuple[PictureSource, Path]], folder: Path) -> CutoutIndex:
    """Write the pictures of unpacked packages and their index.

    Args:
        packages: each source with the folder that its patterns start from.
        folder: made if there is none.

    Raises:
        DatasetError: a package has none of the files that are wanted of it.
    """
    entries: dict[str, list[Entry]] = {"objects": [], "backgrounds": []}
    for source, unpacked in packages:
        (folder / source.role).mkdir(parents=True, exist_ok=True)
        prepare = _prepare_objects if source.role == "objects" else _prepare_backgrounds
        entries[source.role] += prepare(source, unpacked, folder)
    index = CutoutIndex(objects=tuple(entries["objects"]), backgrounds=tuple(entries["backgrounds"]))
    write_index(index, folder)
    return index


def trim_object(picture: Image.Image) -> Image.Image | None:
    """An RGBA picture cut to what is seen of it and made at most ``OBJECT_SIDE_PX`` long; None if it is no object."""
    picture = picture.convert("RGBA")
    alpha = np.asarray(picture.getchannel("A"))
    seen, solid = alpha > 16, alpha > 127
    if solid.sum() < max(1, LEAST_SOLID_SHARE * seen.sum()):
        return None
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    trimmed = picture.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    if max(trimmed.size) < SMALLEST_OBJECT_PX:
        return None
    return _at_most(trimmed, OBJECT_SIDE_PX)


def _prepare_objects(source: PictureSource, unpacked: Path, folder: Path) -> Iterator[Entry]:
    for path in _wanted_files(source, unpacked):
        trimmed = trim_object(_read(path))
        if trimmed is not None:
            file = f"objects/{_file_stem(source, path, unpacked)}.webp"
            trimmed.save(folder / file, quality=92, method=2)
            yield _entry(source, path, file)


def _prepare_backgrounds(source: PictureSource, unpacked: Path, folder: Path) -> Iterator[Entry]:
    for path in _largest_of_each(_wanted_files(source, unpacked), family=_family_rule(source)):
        file = f"backgrounds/{_file_stem(source, path, unpacked)}.jpg"
        _at_most(_read(path).convert("RGB"), BACKGROUND_SIDE_PX).save(folder / file, quality=92)
        yield _entry(source, path, file)


def _entry(source: PictureSource, path: Path, file: str) -> Entry:
    family = _family_rule(source)(path)
    held_out = is_held_out(family)
    return Entry(file=file, family=family, source=source.package, licence=source.licence, held_out=held_out)


def _family_rule(source: PictureSource) -> Callable[[Path], str]:
    if source.registry == "npm":
        return emoji_family
    return stem_family if source.role == "objects" else _background_family


def _background_family(path: Path) -> str:
    """A wallpaper in several sizes has its name two folders up, and its size as its own name."""
    is_size = path.stem.replace("x", "").isdigit()
    return f"background {path.parents[2].name if is_size else path.stem}"


def _wanted_files(source: PictureSource, unpacked: Path) -> list[Path]:
    found = {path.resolve() for pattern in source.wanted for path in unpacked.glob(pattern)}
    wanted = sorted(path for path in found if not any(part in path.as_posix() for part in source.unwanted))
    if not wanted:
        raise DatasetError(f"{source.package} has no {' or '.join(source.wanted)}: its layout changed, look inside it")
    return wanted


def _largest_of_each(paths: Iterable[Path], family: Callable[[Path], str]) -> list[Path]:
    largest: dict[str, Path] = {}
    for path in paths:
        other = largest.get(family(path))
        if other is None or path.stat().st_size > other.stat().st_size:
            largest[family(path)] = path
    return list(largest.values())


def _file_stem(source: PictureSource, path: Path, unpacked: Path) -> str:
    """Unlike any other: the package's first word, then the folders that lead to the file."""
    relative = path.relative_to(unpacked.resolve()).with_suffix("")
    package = source.package.strip("@").replace("/", "-").split("@")[0]
    return "-".join([package, *relative.parts[-3:]])


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as file:
            file.load()
            return file.copy()
    except (OSError, UnidentifiedImageError) as error:
        raise DatasetError(f"{path.name} of a package is no picture ({error}): fetch the package again") from None


def _at_most(picture: Image.Image, side_px: int) -> Image.Image:
    scale = min(1.0, side_px / max(picture.size))
    width, height = (max(1, round(scale * side)) for side in picture.size)
    return picture if scale == 1 else picture.resize((width, height), Image.Resampling.LANCZOS)
