"""From SAM_CACHE_URL to a store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sam_backend.errors import SettingsError
from sam_backend.store.byte_store import ByteStore

REDIS_SCHEMES = ("redis", "rediss", "unix")
MEMORY = "memory"


def open_shared_store(url: str, disk_bytes: int) -> ByteStore | None:
    """Open what outlives this process; None where SAM_CACHE_URL is "memory".

    Args:
        url: "memory", file:///FOLDER or redis://HOST.
        disk_bytes: what a folder may hold.

    Raises:
        SettingsError: no such kind of store.
        StorageError: the folder can't be made.
    """
    scheme = url.partition(":")[0]  # urlsplit would choke on some passwords
    if url == MEMORY:
        return None
    if scheme == "file":
        from sam_backend.store.disk import DiskStore  # file locks: not on Windows

        return DiskStore(folder_of(url), disk_bytes)
    if scheme in REDIS_SCHEMES:
        from sam_backend.store.redis_store import RedisStore  # only who uses it needs the library

        return RedisStore(url)
    raise SettingsError(f"SAM_CACHE_URL={scheme!r} is no kind of cache: give memory, file:///FOLDER or redis://HOST")


def folder_of(url: str) -> Path:
    """The folder that a file:///FOLDER names; %20 stands for a space, as in every address."""
    return Path(unquote(urlsplit(url).path))
