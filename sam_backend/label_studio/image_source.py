"""From the address in a task's data to the bytes of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sam_backend.errors import ImageSourceError
from sam_backend.label_studio.cloud_uri import is_cloud_uri, presign_path
from sam_backend.label_studio.data_uri import decode_data_uri
from sam_backend.label_studio.download import Downloader, check_web_address, shown_url
from sam_backend.label_studio.hosts import LabelStudioHost, by_own_name, choose_host, same_origin
from sam_backend.label_studio.local_files import local_file_name, read_local_file
from sam_backend.label_studio.picture_cache import FetchedPicture, PictureCache

_UPLOADS = "/data/upload/"


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """Where a picture is downloaded from."""

    host: LabelStudioHost | None
    """The Label Studio that the task comes from."""

    url: str
    never_changes: bool
    """Whether another picture never has the same address."""

    is_cloud: bool
    """Whether Label Studio redirects to its object store."""


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where pictures come from: the task itself, the disk, Label Studio, the web. In that order."""

    own_host: LabelStudioHost | None
    """Label Studio as the environment gives it."""

    local_files_root: Path | None
    """The folder of its local files, where it is mounted here."""

    downloader: Downloader

    cache: PictureCache
    """Of what was downloaded."""

    public_url: str | None = None
    """What people's browsers, and so tasks, call ``own_host``."""

    def fetch(self, uri: str, told_host: LabelStudioHost | None = None, task_id: int | None = None) -> FetchedPicture:
        """Get a picture, from memory if it was fetched a moment ago.

        Args:
            uri: from the task's data: ``data:``, a path on Label Studio (``/data/upload/...``), http(s), or an address
                in cloud storage (``s3://``, ``gs://``, ``azure-blob://``).
            told_host: what ``/setup`` told of this project's Label Studio; fills what the environment leaves open.
            task_id: whose picture it is; only an address in cloud storage needs it.

        Raises:
            ImageSourceError: it can't be had, with the reason and the cure.
        """
        if _is_data_uri(uri):
            return FetchedPicture(decode_data_uri(uri, self.downloader.limits.max_bytes))
        on_disk = self._from_disk(uri)
        if on_disk is not None:
            return FetchedPicture(on_disk)
        place = self._place(uri, told_host, task_id)
        return self.cache.get(
            (place.host, place.url), lambda known: self.download(place, known), never_changes=place.never_changes
        )

    def is_at_hand(self, uri: str, told_host: LabelStudioHost | None = None, task_id: int | None = None) -> bool:
        """Whether `fetch` needs no server: the picture is in the task, on the disk, or was fetched a moment ago.

        Raises:
            ImageSourceError: that can't be said, with the reason and the cure.
        """
        if self._is_here(uri):
            return True
        place = self._place(uri, told_host, task_id)
        return self.cache.is_fresh((place.host, place.url))

    def place_of(self, uri: str, task_id: int | None = None) -> PicturePlace | None:
        """Where `fetch` would download a picture from; None if it would not, since it is in the task or on the disk.

        Raises:
            ImageSourceError: that can't be said, with the reason and the cure.
        """
        return None if self._is_here(uri) else self._place(uri, None, task_id)

    def download(self, place: PicturePlace, known: FetchedPicture | None = None) -> FetchedPicture:
        """Download a picture; gives ``known`` back, whatever it holds, if the server says that it is still right.

        Raises:
            ImageSourceError: it can't be had, with the reason and the cure.
        """
        return self.downloader.get(place.url, place.host, known=known, trusts_redirect=place.is_cloud)

    def _is_here(self, uri: str) -> bool:
        return _is_data_uri(uri) or (self.local_files_root is not None and local_file_name(uri) is not None)

    def _place(self, uri: str, told_host: LabelStudioHost | None, task_id: int | None) -> PicturePlace:
        is_cloud = is_cloud_uri(uri)
        if not uri.startswith("/") and not is_cloud:
            check_web_address(uri)
        host = choose_host(self.own_host, told_host)
        url = self._url(uri, host, told_host, task_id)
        return PicturePlace(host, url, _is_upload(url, host), is_cloud)

    def _from_disk(self, uri: str) -> bytes | None:
        """Whatever the host: Label Studio writes its public name there, which may differ from the one used here."""
        name = local_file_name(uri)
        if self.local_files_root is None or name is None:
            return None
        return read_local_file(self.local_files_root, name, self.downloader.limits.max_bytes)

    def _url(
        self, uri: str, host: LabelStudioHost | None, told_host: LabelStudioHost | None, task_id: int | None
    ) -> str:
        if is_cloud_uri(uri):
            return _known(host).url + presign_path(uri, _known_task(task_id, uri))
        if uri.startswith("/"):
            return _known(host).url + uri
        told_url = None if told_host is None else told_host.url
        public_urls = [url for url in (self.public_url, told_url) if url is not None]
        return uri if host is None else by_own_name(uri, host, public_urls)


def _is_data_uri(uri: str) -> bool:
    return uri[:5].lower() == "data:"


def _known(host: LabelStudioHost | None) -> LabelStudioHost:
    if host is None:
        raise ImageSourceError("the picture lies on Label Studio, whose address isn't known: set LABEL_STUDIO_URL")
    return host


def _known_task(task_id: int | None, uri: str) -> int:
    if task_id is None:
        raise ImageSourceError(
            f"{shown_url(uri)} lies in cloud storage, where Label Studio finds it by the task: send the task's id"
        )
    return task_id


def _is_upload(url: str, host: LabelStudioHost | None) -> bool:
    """Label Studio puts random signs before the name of an upload, so another file never has the same address."""
    if host is None or not same_origin(url, host.url):
        return False
    return urlsplit(url).path.startswith(urlsplit(host.url).path + _UPLOADS)
