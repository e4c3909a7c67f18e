"""Pictures of Label Studio's "local files" storage, read from the disk where its folder is mounted here too."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs

from sam_backend.errors import ImageSourceError

_ROUTE = "/data/local-files"


def local_file_name(url: str) -> str | None:
    """The file that ``.../data/local-files/?d=FILE`` asks for, relative to the document root; None for other addresses.

    Raises:
        ImageSourceError: the route is asked for no file.
    """
    before_query, _, query = url.partition("?")
    if not before_query.rstrip("/").endswith(_ROUTE):
        return None
    names = parse_qs(query.partition("#")[0]).get("d")
    if not names:
        raise ImageSourceError("the task's local-files address names no file: give /data/local-files/?d=FOLDER/FILE")
    return names[0]


def read_local_file(root: Path, name: str, max_bytes: int) -> bytes | None:
    """Read a file below ``root``; None if there is none. Links inside the root are followed: who put them meant it.

    Raises:
        ImageSourceError: the name leads out of the root, the file can't be read, or is larger than ``max_bytes``.
    """
    path = Path(os.path.normpath(root / name.lstrip("/\\")))  # not resolve(): links may lead out, dots may not
    if "\0" in name or not path.is_relative_to(root):
        raise ImageSourceError(f"the local file {name[:200]!r} lies outside the document root: import it from inside")
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > max_bytes:
            raise ImageSourceError(
                f"the local file {name[:200]!r} is larger than the {max_bytes / 1e6:g} MB allowed: "
                "raise SAM_MAX_PICTURE_MB"
            )
        return path.read_bytes()
    except OSError as error:
        raise ImageSourceError(
            f"the local file {name[:200]!r} can't be read ({error.strerror}): let this service's user read it"
        ) from error
