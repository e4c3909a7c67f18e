"""A line to one Label Studio that holds through hiccups: expired tokens, dropped connections, restarts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sam_backend.errors import StudioError, UnreachableError
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.passing import is_passing
from sam_backend.label_studio.studio_api import Answer, ask
from sam_backend.label_studio.tokens import TokenExchange, cure_for_401

_CURES = {
    403: "let the token's user open the project, or give an owner's token",
    404: "check the number of the project, and that the token's user may open it",
    413: "a proxy before Label Studio takes no bodies of that size: give a smaller --batch",
}


@dataclass(frozen=True, slots=True)
class StudioLine:
    """Asks one Label Studio with its token."""

    host: LabelStudioHost
    tokens: TokenExchange
    timeout_s: float = 60.0
    """Of one request: a page of tasks full of masks takes a while."""

    waits_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    """Before each further try; after the last one the trouble is told."""

    sleep: Callable[[float], None] = time.sleep

    def ask_patiently(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request that may be sent twice: again when there is no answer, or one that says "not now".

        Raises:
            UnreachableError: no answer to any try, or no access token at the last one.
            AnswerTooLargeError: see `ask`.
            ImageSourceError: the personal access token can't be exchanged.
        """
        for wait_s in self.waits_s:
            try:
                answer = self.ask_once(method, path, body)
            except UnreachableError:
                self.sleep(wait_s)
                continue
            if not is_passing(answer.status):
                return answer
            self.sleep(wait_s)
        return self.ask_once(method, path, body)

    def ask_once(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request, and again with a fresh access token where the first is answered with 401.

        Raises:
            UnreachableError: no answer, or "not now" to the exchange of the token.
            AnswerTooLargeError: see `ask`.
            ImageSourceError: the personal access token can't be exchanged.
        """
        authorization = self.tokens.authorization(self.host, self.timeout_s)
        answer = ask(self.host, method, path, body, authorization, self.timeout_s)
        if answer.status != 401:
            return answer
        renewed = self.tokens.authorization(self.host, self.timeout_s, refused=authorization)
        if renewed == authorization:
            return answer
        return ask(self.host, method, path, body, renewed, self.timeout_s)

    def get_object(self, path: str, what: str) -> dict[str, Any]:
        """Get a JSON object; ``what`` names it in an error.

        Raises:
            StudioError: Label Studio refuses, or answers something else.
            ImageSourceError: it can't be reached, even after some tries.
        """
        answer = self.ask_patiently("GET", path)
        if answer.status == 200 and isinstance(answer.body, dict):
            return answer.body
        raise StudioError(self.refusal(answer, what))

    def refusal(self, answer: Answer, what: str) -> str:
        """Say in a sentence what was refused, and what to do."""
        if answer.status == 401:
            return f"{self.host.url} refuses the token for {what} (401): {cure_for_401(self.host)}"
        if answer.status == 200:
            return (
                f"{self.host.url} answered something else than {what}: check that it is a Label Studio of 1.20 or later"
            )
        cure = _CURES.get(answer.status, f"it says {answer.text[:200]!r}; look at its log")
        return f"{self.host.url} answered {answer.status} for {what}: {cure}"
