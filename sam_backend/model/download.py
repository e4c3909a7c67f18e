"""Fetching a published checkpoint: goes on where it broke off, and keeps nothing but the right file.

What decides is the known SHA-256, so no validator of a server (ETag, If-Range) is kept with the part: bytes of two
different files can't become a checkpoint, and if they were mixed, the file is fetched once more from its start.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import requests

from sam_backend.errors import CheckpointError
from sam_backend.model.published import PublishedCheckpoint, places_of, sha256_of

CHUNK_BYTES = 1 << 14
"""Small, for what had arrived of the chunk in which a connection breaks is lost."""

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10, 60
OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 200, 206, 416

Report = Callable[[int], object]
"""Is told how many bytes of the file are here by now."""


def download(checkpoint: PublishedCheckpoint, folder: Path, report: Report, base_url: str | None = None) -> Path:
    """Fetch a checkpoint into ``folder`` and return its file; nothing is fetched if it lies there already.

    Until it is whole and right the file is called ``NAME.part``; a part is kept for the next call.

    Args:
        checkpoint: what to fetch.
        folder: where to; made if it isn't there.
        report: told of progress.
        base_url: of a mirror that has the file right below it, instead of where its makers publish it.

    Raises:
        CheckpointError: another file has its name, the server can't be reached or has no such file, what came isn't
            the published file, or it can't be written.
    """
    target, part = folder / checkpoint.file_name, folder / f"{checkpoint.file_name}.part"
    url = checkpoint.url if base_url is None else f"{base_url.rstrip('/')}/{checkpoint.file_name}"
    try:
        if target.exists():
            return _unchanged(target, checkpoint)
        folder.mkdir(parents=True, exist_ok=True)
        # A part may be of another file than what the server has now: only then a second start can help.
        for _ in range(2 if _size(part) else 1):
            _fetch(url, part, checkpoint, report)
            if sha256_of(part) == checkpoint.sha256:
                return part.replace(target)
            part.unlink()
    except OSError as error:
        raise CheckpointError(f"{folder} can't be written to: {error.strerror}") from None
    raise CheckpointError(
        f"{url} isn't the published {checkpoint.file_name}: its SHA-256 is another, so it was deleted; "
        "fetch it from elsewhere (--url)"
    )


def _unchanged(target: Path, checkpoint: PublishedCheckpoint) -> Path:
    if sha256_of(target) != checkpoint.sha256:
        raise CheckpointError(
            f"{target} is there already but isn't the published {checkpoint.name} (its SHA-256 is another): "
            "move it away or delete it first"
        )
    return target


def _fetch(url: str, part: Path, checkpoint: PublishedCheckpoint, report: Report) -> None:
    """Fetch until the part has its whole size, for as long as every attempt brings more of it."""
    if _size(part) > checkpoint.size_bytes:
        part.unlink()
    while (n_here := _size(part)) < checkpoint.size_bytes:
        try:
            _fetch_rest(url, part, n_here, checkpoint, report)
            reason = "the server ended it"
        except requests.RequestException as error:
            reason = _reason(error)
        if _size(part) <= n_here:
            raise CheckpointError(
                f"fetching {url} stopped at {_size(part):,} of {checkpoint.size_bytes:,} bytes ({reason}): run the "
                f"command again and it goes on from there, or put {checkpoint.file_name} at "
                f"{' or '.join(map(str, places_of(checkpoint.file_name)))} by hand"
            )


def _fetch_rest(url: str, part: Path, n_here: int, checkpoint: PublishedCheckpoint, report: Report) -> None:
    headers = {"Accept-Encoding": "identity"}
    if n_here:
        headers["Range"] = f"bytes={n_here}-"
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)) as response:
        if response.status_code == RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        goes_on = _check_answer(response, url, n_here, checkpoint)
        n_done = n_here if goes_on else 0
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                n_done += file.write(chunk)
                report(n_done)
                if n_done > checkpoint.size_bytes:
                    raise _other_size(url, f"more than {checkpoint.size_bytes:,}", checkpoint)


def _check_answer(response: requests.Response, url: str, n_here: int, checkpoint: PublishedCheckpoint) -> bool:
    """Whether the answer goes on after the ``n_here`` bytes; False if it starts at the beginning."""
    if response.status_code == PARTIAL_CONTENT:
        sent = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", sent.strip())
        if match is None or int(match[1]) != n_here:
            raise CheckpointError(
                f"{url} answered with the wrong part ({sent or 'no Content-Range'}): use another mirror"
            )
        if match[2] not in ("*", str(checkpoint.size_bytes)):
            raise _other_size(url, f"{int(match[2]):,}", checkpoint)
        return True
    if response.status_code != OK:
        raise CheckpointError(
            f"{url} answered {response.status_code} {response.reason}: check the address and what is there"
        )
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) != checkpoint.size_bytes:
        raise _other_size(url, f"{int(length):,}", checkpoint)
    return False


def _other_size(url: str, what: str, checkpoint: PublishedCheckpoint) -> CheckpointError:
    return CheckpointError(
        f"{url} has {what} bytes where {checkpoint.file_name} has {checkpoint.size_bytes:,}: it is another file, "
        "perhaps the page of a proxy; check the address"
    )


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate isn't trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "no connection, or it broke"
    return f"{type(error).__name__}: {error}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
