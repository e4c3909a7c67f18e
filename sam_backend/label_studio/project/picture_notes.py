"""What was found at an address, kept beside the embeddings: so a picture that is done needn't be downloaded again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sam_backend.label_studio.picture_cache import FetchedPicture
from sam_backend.predict.embedding_library import KEPT_S
from sam_backend.store.byte_store import ByteStore


@dataclass(frozen=True, slots=True)
class PictureNote:
    """Of one picture's file."""

    digest: str
    """SHA-256 of its content, in hexadecimal."""

    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, picture: FetchedPicture) -> PictureNote:
        """What is worth keeping of a picture."""
        return cls(picture.sha256.hex(), picture.etag, picture.last_modified)

    @property
    def as_known(self) -> FetchedPicture | None:
        """To ask a server whether it is still right, without the content; None if the server gave nothing to go by."""
        known = FetchedPicture(b"", self.etag, self.last_modified)
        return known if known.conditions else None


@dataclass(frozen=True, slots=True)
class PictureNotes:
    """Notes by address, in the store of the embeddings."""

    store: ByteStore

    def read(self, url: str) -> PictureNote | None:
        """The note for an address; None if there is none that can be read.

        Raises:
            StorageError: the store can't be read.
        """
        data = self.store.get(_key(url))
        try:
            return None if data is None else PictureNote(**json.loads(data))
        except (ValueError, TypeError):
            return None  # of another version of this program: written anew

    def write(self, url: str, note: PictureNote) -> None:
        """Keep a note.

        Raises:
            StorageError: the store can't be written.
        """
        about = {"digest": note.digest, "etag": note.etag, "last_modified": note.last_modified}
        self.store.put(_key(url), json.dumps(about).encode(), KEPT_S)


def _key(url: str) -> str:
    return f"picture/{hashlib.sha256(url.encode()).hexdigest()}"
