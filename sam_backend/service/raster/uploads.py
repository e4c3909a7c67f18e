"""Files that clients send before a request names them: streamed to the spool, recognised by what they hold."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from werkzeug.utils import secure_filename

from sam_backend.errors import RequestError
from sam_backend.service.raster.file_kinds import LAYERS, RASTERS, kind_of, listed
from sam_backend.service.raster.spool import Spool

UPLOADS = "uploads"
"""The part of the spool: a folder for each file, so that no two lie beside each other."""

_CHUNK_BYTES = 1 << 20
_SCHEME = "upload:"
_PATH = re.compile(r"upload:([0-9a-f]{32})/([A-Za-z0-9_.-]{1,100})")
_KINDS = tuple(dict.fromkeys((*RASTERS, *LAYERS)))


class TooLargeError(RequestError):
    """A file that is larger than the settings allow."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """For use from many threads, and many workers."""

    spool: Spool
    max_bytes: int

    def receive(self, name: str, stream: IO[bytes]) -> str:
        """Keep a file.

        Args:
            name: what the client calls it.
            stream: its bytes.

        Returns:
            What to call it in a request.

        Raises:
            TooLargeError: there are too many.
            RequestError: it is no file of a kind that is opened.
            StorageError: there is no room.
        """
        safe_name, upload_id = _safe(name), secrets.token_hex(16)

        def fill(folder: Path) -> None:
            self._copy(stream, folder / safe_name)
            if kind_of(folder / safe_name) not in _KINDS:
                raise RequestError(f"{safe_name} is of a kind that isn't opened here: send {listed(_KINDS)}")

        self.spool.new_folder(UPLOADS, upload_id, fill)
        return f"{_SCHEME}{upload_id}/{safe_name}"

    def check_size(self, n_bytes: int) -> None:
        """Refuse a file that is too large.

        Raises:
            TooLargeError: it is.
        """
        if n_bytes > self.max_bytes:
            raise TooLargeError(
                f"the file has more than the {self.max_bytes / 1e6:g} MB allowed: send a smaller one, or raise "
                "SAM_RASTER_UPLOAD_MB"
            )

    def find(self, text: str) -> Path | None:
        """The file of an upload; None if the text isn't about one.

        Raises:
            RequestError: there is none of that name any more.
        """
        if not text.startswith(_SCHEME):
            return None
        named = _PATH.fullmatch(text)
        path = self.spool.part(UPLOADS) / named[1] / named[2] if named else None
        if path is None or not path.is_file():
            raise RequestError(f"there is no {text[:160]!r} any more: send the file again")
        os.utime(path.parent)  # in use: it is kept from now on
        return Path(os.path.realpath(path))

    def _copy(self, stream: IO[bytes], path: Path) -> None:
        n_bytes = 0
        with path.open("wb") as file:
            while chunk := stream.read(_CHUNK_BYTES):
                n_bytes += len(chunk)
                self.check_size(n_bytes)
                file.write(chunk)


def _safe(name: str) -> str:
    """Letters, digits, dots, dashes; with the ending, by which some readers go."""
    return secure_filename(name)[-100:].lstrip("._-") or "file"
