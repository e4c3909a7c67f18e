"""Where sessions are kept: in the store, so that any worker can go on with them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sam_backend.errors import StorageError
from sam_backend.label_studio.own_session import Session
from sam_backend.label_studio.session_codec import decode_sessions, encode_sessions
from sam_backend.store.byte_store import ByteStore

_KEPT_S = 4 * 3600.0
_PEOPLE = 16
"""Kept under one label of one task, those who clicked last."""


@dataclass(frozen=True, slots=True)
class Place:
    """What sessions are kept by."""

    project: str | None
    task: int | None
    tag: str
    """The output tag."""

    label: str | None

    @property
    def key(self) -> str:
        """In the store."""
        parts = json.dumps([self.project, self.task, self.tag, self.label])
        return f"session/{hashlib.sha256(parts.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class SessionBook:
    """Read without a lock; written under one that is held for the writing alone, never while a mask is made."""

    store: ByteStore

    def read(self, place: Place) -> list[Session]:
        """All people's sessions there, who clicked last first; none of damaged ones."""
        data = self.store.get(place.key)
        if data is None:
            return []
        try:
            return decode_sessions(data)
        except StorageError:
            return []

    def write(self, place: Place, session: Session) -> None:
        """Put a session first; it takes the place of the one with its id."""
        with self.store.lock(place.key):
            others = [other for other in self.read(place) if other.id != session.id]
            self.store.put(place.key, encode_sessions([session, *others][:_PEOPLE]), _KEPT_S)
