"""What answers, put together: settings in, finished parts out. It knows of no server that stands before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sam_backend.errors import SamBackendError, StorageError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.download import Downloader, FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.studio_api import StudioApi
from sam_backend.label_studio.tokens import TokenExchange
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.service.annotator import Annotator
from sam_backend.service.clicks import ClickAnswerer
from sam_backend.service.embedder import Embedder
from sam_backend.service.encode_desk import EncodeDesk
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.event_log import LOGGER, log_event
from sam_backend.service.fetch_seats import FetchSeats
from sam_backend.service.housekeeping import Housekeeping
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.ledger.annotation_events import AnnotationEvents
from sam_backend.service.ledger.collector import LedgerCollector
from sam_backend.service.ledger.ledger import Ledger
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.service.metrics.model_collector import ModelCollector
from sam_backend.service.metrics.service_metrics import ServiceMetrics
from sam_backend.service.model_loader import ModelLoader, ModelStatus
from sam_backend.service.prewarm import PrewarmQueue
from sam_backend.service.ready_results import ReadyResults
from sam_backend.service.session_book import SessionBook
from sam_backend.service.setup_memory import SetupMemory
from sam_backend.service.unprompted import UnpromptedAnswerer
from sam_backend.service.versions.learning import Learning
from sam_backend.service.webhooks import Webhooks
from sam_backend.settings import Settings
from sam_backend.store.byte_store import ByteStore
from sam_backend.store.forgiving import ForgivingStore
from sam_backend.store.memory import MemoryStore
from sam_backend.store.open_store import open_shared_store

_SESSIONS_BYTES = 64_000_000
"""Of sessions and ready answers in memory: some thousand objects."""

_CROPS_SHARE = 1 / 8
"""Of the memory for embeddings, for parts of pictures: small objects that are looked at enlarged. Each is wanted for a
few clicks only, so they mustn't push out whole pictures, and aren't shared."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Built once per process, used by many threads."""

    setups: SetupMemory
    last_errors: LastErrors
    image_source: ImageSource
    embeddings: tuple[EmbeddingCache[Embedding], ...]
    """In memory: of pictures, and of parts of them."""

    desk: EncodeDesk
    """Those of pictures, what other processes have made, and the making of new ones."""

    queue: PrewarmQueue
    annotator: Annotator
    ledger: Ledger
    webhooks: Webhooks
    metrics: ServiceMetrics
    store: ByteStore
    """Of sessions and ready answers; of embeddings too where it is shared."""

    @classmethod
    def of(cls, settings: Settings, model: ModelLoader) -> Parts:
        """Build them over a model that someone else starts."""
        metrics, setups, last_errors = ServiceMetrics(), SetupMemory(), LastErrors()
        image_source = _image_source(settings)
        crop_bytes = int(settings.cache_mb * 1_000_000 * _CROPS_SHARE)
        crops: EmbeddingCache[Embedding] = EmbeddingCache(crop_bytes)
        embeddings: EmbeddingCache[Embedding] = EmbeddingCache(settings.cache_mb * 1_000_000 - crop_bytes)
        shared = _shared_store(settings, metrics)
        lanes = EncodeLanes(settings.encodes, settings.encode_queue, max(1, settings.threads // 2), metrics)
        desk = EncodeDesk(EmbeddingLibrary(embeddings, shared), lanes, metrics.asked)
        embedder = Embedder(
            model=model,
            image_source=image_source,
            setups=setups,
            desk=desk,
            crop_desk=EncodeDesk(EmbeddingLibrary(crops, shared=None), lanes, metrics.asked),
            fetch_seats=FetchSeats(max(1, settings.threads // 4)),
            max_pixels=settings.max_megapixels * 1_000_000,
        )
        queue = PrewarmQueue(lanes, partial(_say_not_prepared, metrics=metrics))
        store = shared or MemoryStore(capacity_bytes=_SESSIONS_BYTES)
        ledger = Ledger(LedgerFile.in_folder(settings.data_folder), settings.ledger_keep_days)
        webhooks = Webhooks(AnnotationEvents(ledger, _studio_with_key(settings)).handlers())
        annotator = Annotator(
            clicks=ClickAnswerer(embedder=embedder, sessions=SessionBook(store)),
            unprompted=UnpromptedAnswerer(embedder=embedder, ready=ReadyResults(store), queue=queue, lanes=lanes),
            lanes=lanes,
            last_errors=last_errors,
            metrics=metrics,
            max_pixels=embedder.max_pixels,
            max_prompts=settings.max_prompts,
            on_answer=ledger.record,
        )
        parts = cls(
            setups=setups,
            last_errors=last_errors,
            image_source=image_source,
            embeddings=(embeddings, crops),
            desk=desk,
            queue=queue,
            annotator=annotator,
            ledger=ledger,
            webhooks=webhooks,
            metrics=metrics,
            store=store,
        )
        parts._watch(model)
        return parts

    def embedding_bytes(self) -> int:
        """What all embeddings in memory hold together."""
        return sum(kept.held_bytes for kept in self.embeddings)

    def housekeeping(self, *more: Callable[[], None]) -> Housekeeping:
        """What lets old sessions, embeddings and answers go in time; not yet started.

        Args:
            more: further chores.
        """
        return Housekeeping((self.store.tidy, self.ledger.tidy, *more), _say_not_tidied)

    def _watch(self, model: ModelLoader) -> None:
        """Show how things stand beside what happened."""
        metrics, lanes = self.metrics, self.desk.lanes
        metrics.add_collector(ModelCollector(model))
        metrics.add_collector(LedgerCollector(self.ledger.file))
        metrics.watch_level("encode_queue_pictures", "Pictures that people wait for", lambda: len(lanes))
        metrics.watch_level("prewarm_queue_pictures", "Pictures to be encoded ahead of time", lambda: len(self.queue))
        metrics.watch_level("embedding_cache_bytes", "Memory held by embeddings", self.embedding_bytes)
        files = self.image_source.cache
        metrics.watch_level("picture_cache_bytes", "Memory held by files of pictures", lambda: files.held_bytes)


def model_of(learning: Learning, on_end: Callable[[ModelStatus], None]) -> ModelLoader:
    """The model that is to answer, not yet started."""
    source = learning.in_force.source()
    return ModelLoader(source.name, source.read_version, source.load, on_end)


def _shared_store(settings: Settings, metrics: ServiceMetrics) -> ByteStore | None:
    store = open_shared_store(settings.cache_url, settings.cache_disk_mb * 1_000_000)
    return None if store is None else ForgivingStore(store, partial(_say_store_is_down, metrics=metrics))


def _say_store_is_down(error: StorageError, metrics: ServiceMetrics) -> None:
    metrics.error("cache", error)
    log_event("cache_failed", level=logging.ERROR, error=str(error))


def _say_not_tidied(error: Exception) -> None:
    if isinstance(error, OSError):  # a StorageError is one
        log_event("tidying_failed", level=logging.ERROR, error=str(error))
    else:
        LOGGER.error("unexpected error while tidying up", exc_info=error)


def _say_not_prepared(error: Exception, metrics: ServiceMetrics) -> None:
    metrics.error("ahead", error)
    if isinstance(error, SamBackendError):
        log_event("prewarm_failed", level=logging.WARNING, error=str(error))
    else:
        LOGGER.error("unexpected error in the background", exc_info=error)


def _studio_with_key(settings: Settings) -> StudioApi | None:
    """Label Studio, if there is a key of our own to ask it with."""
    if settings.label_studio_url is None or settings.label_studio_api_key is None:
        return None
    host = LabelStudioHost(settings.label_studio_url, settings.label_studio_api_key, is_configured=True)
    return StudioApi(host, TokenExchange(AllowedHosts.of(settings.allowed_hosts)), settings.fetch_timeout_s)


def _image_source(settings: Settings) -> ImageSource:
    url = settings.label_studio_url
    allowed = AllowedHosts.of(settings.allowed_hosts)
    limits = FetchLimits(max_bytes=settings.max_picture_mb * 1_000_000, timeout_s=settings.fetch_timeout_s)
    return ImageSource(
        own_host=None if url is None else LabelStudioHost(url, settings.label_studio_api_key, is_configured=True),
        local_files_root=settings.local_files_root,
        downloader=Downloader(limits, allowed, TokenExchange(allowed)),
        cache=PictureCache(capacity_bytes=settings.picture_cache_mb * 1_000_000),
        public_url=settings.label_studio_public_url,
    )
