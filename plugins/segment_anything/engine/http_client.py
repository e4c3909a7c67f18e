"""Requests to the service: JSON, and files of any size streamed from and to the disk."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO
from urllib.parse import quote, urlsplit

from .engine import EngineError, ErrorKind, Fields, IsCancelled
from .wording import tr

_TIMEOUT_S = 30.0
_BLOCK = 1 << 18
_TOKEN_STATUS = (401, 403)
_BUSY_STATUS = (429, 503)
_GONE_STATUS = (404, 405)


class HttpClient:
    """One server. Methods may be called from any thread."""

    def __init__(self, url: str, token: str | None, proxies: Mapping[str, str] | None = None) -> None:
        """Nothing is sent yet.

        Args:
            url: of the service, up to the part before ``/raster``.
            token: None or empty where it wants none.
            proxies: URL by scheme; None: those of the environment or the system.

        Raises:
            EngineError: that is no URL of HTTP.
        """
        self.url = url.strip().rstrip("/")
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).netloc:
            raise EngineError(
                ErrorKind.NO_SERVER,
                tr("the server's URL is '{0}': give one such as http://gpu.example.org:9090").format(url),
            )
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler(dict(proxies) if proxies else None))

    def ask(self, method: str, path: str, body: Fields | None = None, timeout_s: float = _TIMEOUT_S) -> Fields:
        """Send JSON and take JSON.

        Args:
            method: of HTTP.
            path: from ``/raster`` on.
            body: a JSON object.
            timeout_s: for the server to begin its answer.

        Raises:
            EngineError: the server can't be reached, isn't ours, or says no.
        """
        data = None if body is None else json.dumps(body).encode()
        with self._open(method, path, data, {"Content-Type": "application/json"}, timeout_s) as answer:
            content = answer.read()
        try:
            parsed = json.loads(content) if content else {}
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise self._stranger(tr("its answer isn't JSON"))
        return parsed

    def upload(self, file: str, is_cancelled: IsCancelled) -> str:
        """Send a file.

        Args:
            file: path here.
            is_cancelled: asked for each block.

        Returns:
            What other requests take for its path.

        Raises:
            EngineError: as of `ask`; or cancelled.
        """
        with open(file, "rb") as stream:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(os.path.getsize(file))}
            path = f"/raster/uploads?name={quote(os.path.basename(file), safe='')}"
            with self._open("POST", path, _Watched(stream, is_cancelled), headers, _TIMEOUT_S) as answer:
                return str(json.loads(answer.read())["path"])

    def download(self, path: str, file: str) -> None:
        """Fetch a file, which is there whole or not at all.

        Args:
            path: from ``/raster`` on.
            file: where it goes.

        Raises:
            EngineError: as of `ask`; or the disk is full.
        """
        part = f"{file}.part"
        try:
            # The file first: where there is no room for it, nothing is asked for.
            with open(part, "wb") as stream, self._open("GET", path, None, {}, _TIMEOUT_S) as answer:
                shutil.copyfileobj(answer, stream, _BLOCK)
            os.replace(part, file)
        except OSError as error:
            raise EngineError(
                ErrorKind.STORAGE,
                tr("{0} can't be written ({1}): make room or choose another place").format(
                    file, error.strerror or error
                ),
            ) from error

    def _open(
        self, method: str, path: str, data: bytes | _Watched | None, headers: Mapping[str, str], timeout_s: float
    ) -> IO[bytes]:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self.url + path, data=data, headers={**self._headers, **headers}, method=method
        )
        try:
            answer: IO[bytes] = self._opener.open(request, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, error.read()) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise EngineError(
                ErrorKind.NO_SERVER,
                tr("the server {0} can't be reached ({1}): see that it runs and that its URL is right").format(
                    self.url, reason
                ),
            ) from error
        return answer

    def _refusal(self, status: int, content: bytes) -> EngineError:
        if status in _TOKEN_STATUS:
            return EngineError(
                ErrorKind.REFUSED,
                tr(
                    "the server {0} refuses the token: give the one of its SAM_API_TOKEN under Settings > Options > "
                    "Segment Anything"
                ).format(self.url),
            )
        said = _said(content)
        if said is not None:
            return said
        if status in _GONE_STATUS:
            return self._stranger(tr("it has no raster engine (status {0})").format(status))
        if status in _BUSY_STATUS:
            message = tr("the server {0} is busy: try again in a while").format(self.url)
            return EngineError(ErrorKind.UNAVAILABLE, message)
        return self._stranger(tr("status {0}").format(status))

    def _stranger(self, what: str) -> EngineError:
        return EngineError(
            ErrorKind.NO_SERVER,
            tr(
                "what answers at {0} isn't a Segment Anything backend of this version, {1}: check the URL, or update "
                "the server"
            ).format(self.url, what),
        )


class _Watched:
    """A file being sent, until its sender loses interest."""

    def __init__(self, stream: IO[bytes], is_cancelled: IsCancelled) -> None:
        self._stream = stream
        self._is_cancelled = is_cancelled

    def read(self, n_bytes: int = -1) -> bytes:
        if self._is_cancelled():
            raise EngineError(ErrorKind.CANCELLED, tr("stopped while the file was being sent"))
        return self._stream.read(n_bytes)


def _said(content: bytes) -> EngineError | None:
    """The error of the protocol in a body, if there is one."""
    try:
        body = json.loads(content)
    except ValueError:
        return None
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict) and "kind" in body and "message" in body:
        return EngineError(str(body["kind"]), str(body["message"]))
    return None
