"""From the address in a task's data to the bytes of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.data_uri import decode_data_uri
from sam_backend.label_studio.download import FetchLimits, check_web_address, download
from sam_backend.label_studio.hosts import LabelStudioHost, choose_host
from sam_backend.label_studio.local_files import local_file_name, read_local_file


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where pictures come from: the task itself, the disk, Label Studio, the web. In that order."""

    own_host: LabelStudioHost | None
    """Label Studio as the environment gives it."""

    local_files_root: Path | None
    """The folder of its local files, where it is mounted here."""

    limits: FetchLimits

    def fetch(self, uri: str, told_host: LabelStudioHost | None = None) -> bytes:
        """Get the bytes of a picture.

        Args:
            uri: from the task's data: ``data:``, a path on Label Studio (``/data/upload/...``), or http(s).
            told_host: what ``/setup`` told of this project's Label Studio; fills what the environment leaves open.

        Raises:
            ImageSourceError: it can't be had, with the reason and the cure.
        """
        if uri[:5].lower() == "data:":
            return decode_data_uri(uri, self.limits.max_bytes)
        if not uri.startswith("/"):
            check_web_address(uri)
        on_disk = self._from_disk(uri)
        if on_disk is not None:
            return on_disk
        host = choose_host(self.own_host, told_host)
        return download(_absolute_url(uri, host), host, self.limits)

    def _from_disk(self, uri: str) -> bytes | None:
        """Whatever the host: Label Studio writes its public name there, which may differ from the one used here."""
        name = local_file_name(uri)
        if self.local_files_root is None or name is None:
            return None
        return read_local_file(self.local_files_root, name, self.limits.max_bytes)


def _absolute_url(uri: str, host: LabelStudioHost | None) -> str:
    if not uri.startswith("/"):
        return uri
    if host is None:
        raise ImageSourceError("the picture lies on Label Studio, whose address isn't known: set LABEL_STUDIO_URL")
    return host.url + uri
