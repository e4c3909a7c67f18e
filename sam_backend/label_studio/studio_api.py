"""Label Studio's REST interface, as far as a check-up and the ledger need it. Nothing here changes a project."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests
import urllib3

from sam_backend.errors import StudioError, UnreachableError
from sam_backend.label_studio.addresses import AddressGate, AllowedHosts
from sam_backend.label_studio.guarded_http import guarded_request
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.tokens import TokenExchange

_ANSWER_BYTES = 50_000_000
"""Of one answer; more isn't read."""

_NO_SUCH_PROJECT = 0  # ids begin at 1
_NO_SUCH_ACTION = "NO_SUCH_ACTION"


class AnswerTooLargeError(StudioError):
    """An answer of more bytes than are read: ask for less at a time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    body: Any
    """JSON, or the text where it is none."""

    location: str | None = None
    """Where it redirects to."""

    @property
    def text(self) -> str:
        """The body in one line, for a message."""
        body = self.body
        if isinstance(body, dict) and isinstance(body.get("detail"), str):
            body = body["detail"]
        return (body if isinstance(body, str) else json.dumps(body))[:300].replace("\n", " ")


@dataclass(frozen=True, slots=True)
class StudioApi:
    """One Label Studio, asked with its token; redirects are not followed."""

    host: LabelStudioHost
    tokens: TokenExchange
    timeout_s: float

    def version(self) -> Answer:
        """Which Label Studio this is; needs no token."""
        return self._call("GET", "/api/version", authorized=False)

    def who_am_i(self) -> Answer:
        """Whose token it is."""
        return self._call("GET", "/api/current-user/whoami")

    def project(self, project: int) -> Answer:
        """A project, with its labeling config."""
        return self._call("GET", f"/api/projects/{project}")

    def first_task(self, project: int) -> Answer:
        """One page with one task."""
        return self._call("GET", f"/api/tasks?project={project}&page=1&page_size=1&fields=all")

    def annotation(self, annotation: int) -> Answer:
        """An annotation that was submitted."""
        return self._call("GET", f"/api/annotations/{annotation}/")

    def backends(self, project: int) -> Answer:
        """The project's models; Label Studio asks each for its health before it answers, as on every page."""
        return self._call("GET", f"/api/ml?project={project}")

    def webhooks(self, project: int) -> Answer:
        """The project's webhooks."""
        return self._call("GET", f"/api/webhooks/?project={project}")

    def try_backend_address(self, url: str) -> Answer:
        """Offer a backend for a project that can't exist: its address is judged, and nothing can be saved."""
        return self._call("POST", "/api/ml", {"url": url, "project": _NO_SUCH_PROJECT})

    def try_webhook_address(self, url: str) -> Answer:
        """Offer a webhook for an action that doesn't exist: its address is judged, and nothing can be saved."""
        return self._call("POST", "/api/webhooks/", {"url": url, "actions": [_NO_SUCH_ACTION]})

    def click(self, backend: int, task: int, prompts: list[dict[str, Any]]) -> Answer:
        """What a smart click in the editor does; the answer isn't stored."""
        body = {"task": task, "context": {"result": prompts}}
        return self._call("POST", f"/api/ml/{backend}/interactive-annotating", body)

    def _call(self, method: str, path: str, body: object = None, *, authorized: bool = True) -> Answer:
        authorization = self.tokens.authorization(self.host, self.timeout_s) if authorized else None
        return ask(self.host, method, path, body, authorization, self.timeout_s)


def ask(
    host: LabelStudioHost, method: str, path: str, body: object, authorization: str | None, timeout_s: float
) -> Answer:
    """One request for JSON.

    Raises:
        UnreachableError: no answer.
        AnswerTooLargeError: an answer that isn't read to its end.
    """
    gate = AddressGate(AllowedHosts(), host.reach)
    url = host.url + path
    try:
        with guarded_request(
            method, url, gate, authorization=authorization, timeout_s=timeout_s, json=body
        ) as response:
            data = response.raw.read(_ANSWER_BYTES + 1, decode_content=True)
            if len(data) > _ANSWER_BYTES:
                shown = url.split("?")[0]
                raise AnswerTooLargeError(
                    f"{shown} answered more than {_ANSWER_BYTES / 1e6:g} MB: ask for less at once"
                )
            return Answer(response.status_code, _json_or_text(data), response.headers.get("Location"))
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise UnreachableError(
            f"{host.url} can't be reached ({type(error).__name__}): check the address, that the server runs, and that "
            "this machine (or container) can get there"
        ) from error


def _json_or_text(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
