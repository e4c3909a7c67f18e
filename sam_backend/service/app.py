"""The composition root: settings in, a finished Flask app out. Every part is built here and handed its parts."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from sam_backend.errors import SamBackendError, StorageError
from sam_backend.label_studio.addresses import AllowedHosts
from sam_backend.label_studio.download import Downloader, FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.picture_cache import PictureCache
from sam_backend.label_studio.tokens import TokenExchange
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import EmbeddingLibrary
from sam_backend.service.access import guard
from sam_backend.service.annotator import Annotator
from sam_backend.service.clicks import ClickAnswerer
from sam_backend.service.embedder import Embedder
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.event_log import LOGGER, log_event, show_log
from sam_backend.service.http_errors import register_errors
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.model_loader import ModelLoader, ModelStatus
from sam_backend.service.prewarm import PrewarmQueue
from sam_backend.service.raster.build import build_raster_routes
from sam_backend.service.ready_results import ReadyResults
from sam_backend.service.routes import label_studio_routes
from sam_backend.service.session_book import SessionBook
from sam_backend.service.setup_memory import SetupMemory
from sam_backend.service.status_page import status_routes
from sam_backend.service.status_report import (
    cache_section,
    connection_section,
    model_section,
    queue_section,
    version_section,
)
from sam_backend.service.try_page.limits import Limits
from sam_backend.service.try_page.routes import try_page_routes
from sam_backend.service.unprompted import UnpromptedAnswerer
from sam_backend.service.versions.follower import Follower
from sam_backend.service.versions.learning import Learning
from sam_backend.settings import Settings
from sam_backend.store.byte_store import ByteStore
from sam_backend.store.forgiving import ForgivingStore
from sam_backend.store.memory import MemoryStore
from sam_backend.store.open_store import open_shared_store

_SESSIONS_BYTES = 64_000_000
"""Of sessions and ready answers in memory: some thousand objects."""

_DRAFTS_BYTES = 64_000_000  # every click brings the task's drafts: 100 masks of 24 megapixels were 7.3 MB


def create_app(settings: Settings) -> Flask:
    """Build the service and start loading its model in the background."""
    learning = Learning.of(settings)
    seen, source = learning.book.stamp(), learning.in_force.source()
    model = ModelLoader(
        name=source.name,
        read_version=source.read_version,
        load=source.load,
        on_end=partial(_say_who_answers, port=settings.port),
    )
    app = build_app(settings, model, learning)
    model.start()
    follower = app.extensions["version-follower"] = Follower(learning.book, learning.in_force, model, seen)
    follower.start()
    return app


def build_app(settings: Settings, model: ModelLoader, learning: Learning | None = None) -> Flask:
    """Build the service over a model that someone else starts."""
    learning = learning or Learning.of(settings)
    show_log()
    setups = SetupMemory()
    last_errors = LastErrors()
    image_source = _image_source(settings)
    embeddings: EmbeddingCache[Embedding] = EmbeddingCache(capacity_bytes=settings.cache_mb * 1_000_000)
    shared = _shared_store(settings)
    library = EmbeddingLibrary(embeddings, shared)
    embedder = Embedder(
        model=model,
        image_source=image_source,
        setups=setups,
        embeddings=library,
        max_pixels=settings.max_megapixels * 1_000_000,
    )
    lanes = EncodeLanes()
    queue = PrewarmQueue(lanes, _say_not_prepared)
    store = shared or MemoryStore(capacity_bytes=_SESSIONS_BYTES)
    annotator = Annotator(
        clicks=ClickAnswerer(embedder=embedder, sessions=SessionBook(store)),
        unprompted=UnpromptedAnswerer(embedder=embedder, ready=ReadyResults(store), queue=queue, lanes=lanes),
        lanes=lanes,
        last_errors=last_errors,
        max_pixels=embedder.max_pixels,
    )
    app = Flask(__name__, static_folder=None)
    app.json = _StrictJson(app)
    app.config["MAX_CONTENT_LENGTH"] = _DRAFTS_BYTES + settings.max_picture_mb * 1_400_000  # a data: URI is base64
    app.register_blueprint(label_studio_routes(model=model, annotator=annotator, setups=setups, learning=learning))
    app.register_blueprint(try_page_routes(model=model, embeddings=library, limits=Limits.of(settings)))
    app.register_blueprint(build_raster_routes(settings, model, library, lanes, last_errors))
    sections = (
        model_section(model),
        *learning.sections(),
        cache_section(image_source.cache, lambda: embeddings.held_bytes, settings.cache_mb * 1_000_000),
        queue_section(lambda: len(queue)),
        connection_section(settings),
        version_section(),
    )
    app.register_blueprint(status_routes(model=model, sections=sections, errors=last_errors))
    register_errors(app, last_errors)
    guard(app, settings.api_token)
    return app


def _shared_store(settings: Settings) -> ByteStore | None:
    store = open_shared_store(settings.cache_url, settings.cache_disk_mb * 1_000_000)
    return None if store is None else ForgivingStore(store, _say_store_is_down)


def _say_store_is_down(error: StorageError) -> None:
    log_event("cache_failed", level=logging.ERROR, error=str(error))


def _say_not_prepared(error: Exception) -> None:
    if isinstance(error, SamBackendError):
        log_event("prewarm_failed", level=logging.WARNING, error=str(error))
    else:
        LOGGER.error("unexpected error in the background", exc_info=error)


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


class _StrictJson(DefaultJSONProvider):
    """NaN isn't JSON; better an error here than a browser that can't read the answer."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:  # noqa: ANN401 - the signature of the base class
        return super().dumps(obj, allow_nan=False, **kwargs)


def _say_who_answers(status: ModelStatus, port: int) -> None:
    if status.state == "failed":
        log_event("model_failed", level=logging.ERROR, error=status.error)
        return
    log_event(
        "model_ready",
        model=status.name,
        version=status.version,
        device=status.device,
        connect=(
            f"in Label Studio: Project > Settings > Model > Connect model, URL http://HOST:{port}, interactive "
            "preannotations on; from 1.23.1 on it reaches a backend on a private address only with "
            "ML_BLOCK_LOCAL_IP=false and SSRF_PROTECTION_ENABLED=false in its own environment"
        ),
    )
