"""Pictures of a project's tasks, fetched and encoded as the service does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.download import shown_url
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.picture import decode_picture

if TYPE_CHECKING:
    from sam_backend.predict.predictor import Predictor


@dataclass(frozen=True, slots=True)
class ProjectPictures:
    """Reads pictures, and makes each embedding once."""

    source: ImageSource
    embeddings: EmbeddingLibrary
    predictor: Predictor
    max_pixels: int

    def embedding(self, task_id: int | None, uri: str) -> Embedding:
        """The embedding of a task's picture.

        Raises:
            ImageSourceError: the picture can't be had.
            ImageError: it can't be decoded.
        """
        picture = self.source.fetch(uri, None, task_id)
        return self.embeddings.get_or_make(
            self.predictor, picture.sha256.hex(), lambda: self._decode(picture.data, shown_url(uri))
        )

    def pixels(self, task_id: int | None, uri: str) -> tuple[NDArray[np.uint8], str]:
        """A task's picture (h, w, 3), and the digest of its file.

        Raises:
            ImageSourceError: the picture can't be had.
            ImageError: it can't be decoded.
        """
        picture = self.source.fetch(uri, None, task_id)
        return self._decode(picture.data, shown_url(uri)), picture.sha256.hex()

    def _decode(self, data: bytes, name: str) -> NDArray[np.uint8]:
        return decode_picture(data, name=name, max_pixels=self.max_pixels)
