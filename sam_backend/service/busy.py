"""What somebody is told for whom there is no room right now."""

from __future__ import annotations

from sam_backend.errors import UnavailableError


class BusyError(UnavailableError):
    """There is no room for one more; `retry_after_s` says when to ask again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
