"""Which files of this machine a request may name: uploads, and what lies below the folders of the settings."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sam_backend.errors import RasterError, RequestError
from sam_backend.geo.raster import open_raster
from sam_backend.geo.run.run_settings import file_state
from sam_backend.service.raster.file_kinds import LAYERS, RASTERS, FileKind, kind_of, listed
from sam_backend.service.raster.uploads import Uploads
from sam_backend.service.raster.vrt_sources import vrt_sources

_MISREAD = re.compile(r"[!\x00-\x1f\x7f]")
"""Signs that GDAL's Python libraries take for the border between an archive and a file in it, or that no name has."""

_OVERVIEWS = {"OVERVIEW_FILE"}
_TRUSTED_S = 60.0
"""How long a raster that was looked into isn't again: a mosaic of a thousand files would hold up every click."""


@dataclass(frozen=True, slots=True)
class RasterPaths:
    """For use from many threads."""

    folders: tuple[Path, ...]
    """Real paths."""

    uploads: Uploads

    def raster(self, text: str) -> Path:
        """The raster that a request names; neither it nor what it is made of lies elsewhere.

        Raises:
            RequestError: it lies elsewhere, isn't there, or is of a kind that may point elsewhere.
            RasterError: it can't be read.
        """
        path, folders = self._find(text)
        _check_raster(path, folders, file_state(path), int(time.monotonic() / _TRUSTED_S))
        return path

    def layer(self, text: str) -> Path:
        """The layer of prompts, or of an area, that a request names.

        Raises:
            RequestError: it lies elsewhere, isn't there, or is of a kind that may point elsewhere.
        """
        path, folders = self._find(text)
        _check_kind(path, (*LAYERS, FileKind.SHAPEFILE) if folders else LAYERS)
        return path

    def _find(self, text: str) -> tuple[Path, tuple[Path, ...]]:
        """The file, and the folders that it may have to do with; none for an upload."""
        upload = self.uploads.find(text)
        if upload is not None:
            return upload, ()
        if not self.folders:
            raise RequestError(
                f"{_shown(text)} can't be used: this service opens uploads only, so send the file to /raster/uploads, "
                "or let SAM_RASTER_FOLDERS name its folder"
            )
        return _inside(Path(text), text, self.folders), self.folders


@lru_cache(maxsize=256)
def _check_raster(path: Path, folders: tuple[Path, ...], state: str, time_slot: int) -> None:
    """Look into a raster, once for many clicks; ``state`` and ``time_slot`` say when to look again."""
    _check_kind(path, (*RASTERS, FileKind.VRT) if folders else RASTERS)
    if kind_of(path) is FileKind.VRT:
        for source in vrt_sources(path):
            _check_kind(_inside(source, str(source), folders), RASTERS)
    _check_companions(path, folders or (path.parent,))


def _check_kind(path: Path, kinds: tuple[FileKind, ...]) -> None:
    try:
        kind = kind_of(path)
    except OSError as error:
        raise RequestError(f"{path.name} can't be read ({error.strerror}): give a file that can") from None
    if kind not in kinds:
        raise RequestError(
            f"{path.name} is of a kind that isn't opened over HTTP: give {listed(kinds)}, which hold all their data"
        )


def _inside(path: Path, text: str, folders: Sequence[Path]) -> Path:
    """The real path of a file below one of the folders. What lies elsewhere is refused whether it is there or not."""
    if not path.is_absolute() or ".." in path.parts or _MISREAD.search(text):
        raise RequestError(f"{_shown(text)} isn't a whole path without '..' or '!': give one, or an upload:ID/NAME")
    try:
        real = Path(os.path.realpath(path))
        is_inside = any(real.is_relative_to(folder) for folder in folders)
        is_file = is_inside and real.is_file()
    except (OSError, ValueError):
        is_inside = is_file = False
    if not is_inside:
        raise RequestError(
            f"{_shown(text)} lies in none of the folders of SAM_RASTER_FOLDERS: give a file below one of them, or send "
            "it to /raster/uploads"
        )
    if not is_file or _MISREAD.search(str(real)):
        raise RequestError(f"{_shown(text)} isn't there, or is no file: give one that is")
    return real


def _check_companions(path: Path, folders: Sequence[Path]) -> None:
    """A file of overviews may be named in the raster itself, and lie anywhere."""
    with open_raster(path) as raster:
        if _OVERVIEWS & raster.tags(ns="OVERVIEWS").keys():
            raise RequestError(f"{path.name} names a file of overviews: put them into the raster (gdaladdo)")
        companions = [Path(os.path.realpath(file)) for file in raster.files]
    for companion in companions:
        if not any(companion.is_relative_to(folder) for folder in folders):
            raise RasterError(f"{path.name} is made of files beyond the folders of SAM_RASTER_FOLDERS: give another")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:97] + "...")
