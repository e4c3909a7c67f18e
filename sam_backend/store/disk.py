"""A store in a folder, for one machine: it outlives restarts, and several workers may share it.

Plain files, not a database: a file appears whole or not at all, whenever a worker is killed, and the folder may lie
on any file system. The packaged disk caches keep a row beside the file, and what is written when a worker dies
between the two stays on the disk for ever.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sam_backend.errors import StorageError

_HEADER = struct.Struct("<8sdI")
"""Magic, when its time is up (seconds since 1970), length of the key, which follows; then the value."""

_MAGIC = b"SAMbyte1"
_N_LOCKS = 256
"""Files for each kind of keys."""

_SWEEP_EACH = 64
"""A part of the capacity: who has written that much tidies the folder up."""

_SWEEP_DOWN_TO = 7 / 8
"""Of the capacity, so that several workers together stay below all of it between two sweeps."""


class DiskStore:
    """One file per key; those whose time is up go first, then the least recently used.

    Both are looked for at the start, whenever a part of the capacity was written, and when somebody tidies up.

    Args:
        folder: is made if need be, also when somebody removes it meanwhile; nothing else may lie in its parts.
        capacity_bytes: what all files may hold together. A value of more than an eighth of it isn't kept.

    Raises:
        StorageError: the folder can't be made or read.
    """

    def __init__(self, folder: Path, capacity_bytes: int) -> None:
        self._values, self._unfinished, self._lock_files = folder / "values", folder / "unfinished", folder / "locks"
        self._capacity_bytes = capacity_bytes
        self._written_bytes = 0
        self._counting = threading.Lock()
        self._thread_locks: dict[str, threading.Lock] = {}
        with _told(folder, "made"):
            for part in (self._values, self._unfinished, self._lock_files):
                _made(part)
        self._sweep()

    def get(self, key: str) -> bytes | None:
        """See `ByteStore`."""
        path = self._path(key)
        with _told(path, "read"):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
            value = _value_in(content, key)
            if value is None:
                path.unlink(missing_ok=True)
                return None
            with suppress(FileNotFoundError):  # another worker may just have dropped it
                os.utime(path)  # the time of the last use, whatever the file system does about reads
            return value

    def has(self, key: str) -> bool:
        """See `ByteStore`."""
        path = self._path(key)
        with _told(path, "read"), suppress(FileNotFoundError):
            with path.open("rb") as file:
                start = file.read(_HEADER.size + len(key.encode()))
            if _value_in(start, key) is not None:
                os.utime(path)
                return True
        return False

    def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See `ByteStore`."""
        name = key.encode()
        content = b"".join([_HEADER.pack(_MAGIC, time.time() + ttl_s, len(name)), name, value])
        if len(content) > self._capacity_bytes / 8:
            self.delete(key)  # the old value mustn't live on
            return
        self._make_room(len(content))
        with _told(self._path(key), "written"):
            self._write(self._path(key), content)

    def delete(self, key: str) -> None:
        """See `ByteStore`."""
        with _told(self._path(key), "deleted"):
            self._path(key).unlink(missing_ok=True)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """See `ByteStore`. Two keys of a kind now and then share a file; the system frees it."""
        name = _lock_name(key)
        with self._thread_locks.setdefault(name, threading.Lock()):  # first: threads would hold a descriptor each
            with _told(self._lock_files, "locked"):
                descriptor = os.open(_made(self._lock_files) / name, os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                os.close(descriptor)

    def tidy(self) -> None:
        """See `ByteStore`. Reads the first bytes of every file: a fifth of a second for 10,000."""
        self._sweep()

    def _make_room(self, n_bytes: int) -> None:
        with self._counting:
            self._written_bytes += n_bytes
            is_due = self._written_bytes >= self._capacity_bytes / _SWEEP_EACH
            self._written_bytes = 0 if is_due else self._written_bytes
        if is_due:
            self._sweep(n_bytes)

    def _path(self, key: str) -> Path:
        return self._values / _digest(key)

    def _write(self, path: Path, content: bytes) -> None:
        """Written beside, and moved to its place when it is whole. A lock says that its writer lives."""
        _made(path.parent)
        with tempfile.NamedTemporaryFile(dir=_made(self._unfinished), delete=False) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(content)
                file.flush()
                os.replace(file.name, path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    def _sweep(self, n_more_bytes: int = 0) -> None:
        """Drop what the dead left unfinished and what nobody gets any more, then the least recently used for room."""
        allowed_bytes = _SWEEP_DOWN_TO * self._capacity_bytes - n_more_bytes
        with _told(self._values, "tidied up"):
            for file in _made(self._unfinished).iterdir():
                _drop_if_orphaned(file)
            found = [(entry, entry.stat()) for entry in _entries(_made(self._values)) if not _drop_if_expired(entry)]
            held_bytes = sum(stat.st_size for _, stat in found)
            for entry, stat in sorted(found, key=lambda one: one[1].st_mtime_ns):
                if held_bytes <= allowed_bytes:
                    return
                Path(entry.path).unlink(missing_ok=True)
                held_bytes -= stat.st_size


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _made(folder: Path) -> Path:
    """The folder itself, there again if it was removed."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lock_name(key: str) -> str:
    """A file for the key's kind, which stands before its first slash: what takes long holds up none of another kind."""
    kind = key.partition("/")[0] if "/" in key else ""
    return f"{_digest(kind)[:8]}-{int(_digest(key)[:8], 16) % _N_LOCKS:02x}"


def _value_in(content: bytes, key: str) -> bytes | None:
    """The value in a file; None if its time is up, or it is no file of ours for this key."""
    if len(content) < _HEADER.size:
        return None
    magic, expires_s, n_key = _HEADER.unpack_from(content)
    start = _HEADER.size + n_key
    is_ours = magic == _MAGIC and content[_HEADER.size : start] == key.encode()
    return content[start:] if is_ours and time.time() < expires_s else None


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                entry.stat()  # kept in the entry: it can't vanish any more
                yield entry


def _drop_if_orphaned(file: Path) -> None:
    with suppress(FileNotFoundError, BlockingIOError), file.open("rb") as opened:
        if time.time() - file.stat().st_mtime < 1:
            return  # its writer may be about to lock it
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()


def _drop_if_expired(entry: os.DirEntry[str]) -> bool:
    """Whether a file's time is up, which its first bytes say; one of somebody else's, or of no value, stays."""
    try:
        with open(entry.path, "rb", buffering=0) as file:
            start = file.read(_HEADER.size)
    except (FileNotFoundError, PermissionError):
        return False
    if len(start) < _HEADER.size:
        return False
    magic, expires_s, _ = _HEADER.unpack(start)
    if magic != _MAGIC or time.time() < expires_s:
        return False
    Path(entry.path).unlink(missing_ok=True)
    return True


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the cache {path} can't be {what} ({error.strerror}): check room and permissions, or choose another "
            "folder in SAM_CACHE_URL"
        ) from error
