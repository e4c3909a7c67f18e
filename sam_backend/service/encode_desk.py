"""Where the service asks for embeddings: what is kept is handed out at once, and only the rest waits to be encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.patience import Patience

Source: TypeAlias = Literal["memory", "store", "encoder"]


@dataclass(frozen=True, slots=True)
class HandedOut:
    """An embedding, and where it came from."""

    embedding: Embedding
    source: Source


@dataclass(frozen=True, slots=True)
class EncodeDesk:
    """Built once, used by many threads."""

    embeddings: EmbeddingLibrary
    lanes: EncodeLanes
    on_asked: Callable[[Source], None]
    """Told where each was found."""

    def at_hand(self, predictor: Predictor, content: str) -> HandedOut | None:
        """The embedding, if nothing has to be encoded for it."""
        in_memory = self.embeddings.in_memory(predictor, content)
        if in_memory is not None:
            return self._told(HandedOut(in_memory, "memory"))
        in_store = self.embeddings.in_store(predictor, content)
        return None if in_store is None else self._told(HandedOut(in_store, "store"))

    def hand_out(
        self, predictor: Predictor, content: str, read: Callable[[], NDArray[np.uint8]], patience: Patience
    ) -> HandedOut:
        """The embedding, encoded if need be; see `EmbeddingLibrary.get_or_make`.

        Raises:
            EncodesBusyError: no place is left, or patience ended.
            SamBackendError: what ``read`` and the encoder raise.
        """
        found = self.at_hand(predictor, content)
        if found is not None:
            return found
        embedding = self.lanes.encode(
            (predictor.version, content), lambda: self.embeddings.get_or_make(predictor, content, read), patience
        )
        return self._told(HandedOut(embedding, "encoder"))

    def _told(self, handed_out: HandedOut) -> HandedOut:
        self.on_asked(handed_out.source)
        return handed_out


@dataclass(frozen=True, slots=True)
class PatientDesk:
    """The desk for rooms that know nothing of patience: each of their questions waits equally long."""

    desk: EncodeDesk
    wait_s: float

    def get_or_make(self, predictor: Predictor, content: str, read: Callable[[], NDArray[np.uint8]]) -> Embedding:
        """See `EmbeddingLibrary.get_or_make`."""
        return self.desk.hand_out(predictor, content, read, Patience.of_person(self.wait_s)).embedding
