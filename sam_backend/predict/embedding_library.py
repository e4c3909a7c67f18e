"""Every embedding made once: kept in memory, and in a store that other workers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import StorageError
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_codec import decode_embedding, encode_embedding
from sam_backend.predict.heap import give_back_free_memory
from sam_backend.predict.predictor import Predictor
from sam_backend.store.byte_store import ByteStore

KEPT_S = 30 * 24 * 3600.0
"""How long a store keeps an embedding that nobody needs room for."""


class Embeddings(Protocol):
    """Where embeddings come from, whatever it takes to get one."""

    def get_or_make(self, predictor: Predictor, content: str, read: Callable[[], NDArray[np.uint8]]) -> Embedding:
        """See `EmbeddingLibrary.get_or_make`."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingLibrary:
    """By content and model. Who asks for a picture that is being encoded, in whatever worker, waits for that one."""

    kept: EmbeddingCache[Embedding]
    """In this process, in the network's own number type."""

    shared: ByteStore | None
    """Beyond this process, in float16. None where there is nothing to share with: then nothing is rounded.

    With it every worker answers from the rounded features, the one that made them too, so that a click gets the same
    mask wherever it lands. Models with the same image encoder share features: a version that was tuned on needs no
    picture encoded again."""

    def in_memory(self, predictor: Predictor, content: str) -> Embedding | None:
        """The embedding, if this process keeps it."""
        return self.kept.get(_key(predictor.version, content))

    def in_store(self, predictor: Predictor, content: str) -> Embedding | None:
        """The embedding, if the shared store has it; kept in this process from then on."""
        if self.shared is None:
            return None
        found = _from_store(self.shared, _key(predictor.encoder_version, content), predictor)
        if found is None:
            return None
        return self.kept.get_or_make(_key(predictor.version, content), lambda: _tidied(lambda: found))

    def get_or_make(self, predictor: Predictor, content: str, read: Callable[[], NDArray[np.uint8]]) -> Embedding:
        """The embedding of a picture, or of a part of one.

        Args:
            predictor: what encodes it if nobody has.
            content: a digest of the pixels; says all that ``read`` depends on.
            read: gives the picture (h, w, 3), only when it has to be encoded.

        Raises:
            SamBackendError: what ``read`` and the encoder raise.
        """
        key = _key(predictor.version, content)
        if self.shared is None:
            return self.kept.get_or_make(key, lambda: _tidied(lambda: predictor.embed(read())))
        shared, shared_key = self.shared, _key(predictor.encoder_version, content)
        return self.kept.get_or_make(
            key, lambda: _tidied(lambda: _from_store_or_made(shared, shared_key, predictor, read))
        )

    def holds(self, encoder_version: str, content: str) -> bool:
        """Whether the shared store has the embedding by models with this encoder; reads none of it.

        Raises:
            StorageError: the store can't be read.
        """
        return self.shared is not None and self.shared.has(_key(encoder_version, content))


def _key(version: str, content: str) -> str:
    return f"embedding/{version}/{content}"


def _tidied(make: Callable[[], Embedding]) -> Embedding:
    """Once for each embedding that is new to this process: encoding and reading leave gaps in the heap."""
    try:
        return make()
    finally:
        give_back_free_memory()


def _from_store_or_made(
    store: ByteStore, key: str, predictor: Predictor, read: Callable[[], NDArray[np.uint8]]
) -> Embedding:
    found = _from_store(store, key, predictor)
    if found is not None:
        return found
    with store.lock(key):
        found = _from_store(store, key, predictor)  # somebody else may have made it while we waited
        if found is not None:
            return found
        data = encode_embedding(predictor.embed(read()))
        store.put(key, data, KEPT_S)
    return decode_embedding(data, predictor)


def _from_store(store: ByteStore, key: str, predictor: Predictor) -> Embedding | None:
    data = store.get(key)
    if data is None:
        return None
    try:
        return decode_embedding(data, predictor)
    except StorageError:
        return None  # made again, and overwritten
