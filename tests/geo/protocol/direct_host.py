"""A host without threads or streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.predict.predictor import Predictor


@dataclass
class ReadyModel:
    name: str
    version: str
    device: str
    state: str = "ready"
    error: str | None = None


def view_book() -> ViewBook:
    return ViewBook(EmbeddingLibrary(EmbeddingCache[Embedding](64_000_000), shared=None))


@dataclass
class DirectHost:
    predictor: Predictor
    views: ViewBook = field(default_factory=view_book)
    cancelled: list[str] = field(default_factory=list)

    def model_facts(self) -> ReadyModel:
        return ReadyModel(self.predictor.name, self.predictor.version, str(self.predictor.device))

    def wait_for_model(self, is_cancelled: Callable[[], bool]) -> Predictor:
        return self.predictor

    def cancel(self, target: str) -> bool:
        self.cancelled.append(target)
        return target == "known"
