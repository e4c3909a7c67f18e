"""The composition root: settings in, a finished Flask app out. Every part is built here and handed its parts."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from sam_backend.label_studio.download import FetchLimits
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.model.checkpoint import checkpoint_name, checkpoint_version
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.predictor import load_sam
from sam_backend.service.annotator import Annotator
from sam_backend.service.event_log import log_event, show_log
from sam_backend.service.http_errors import register_errors
from sam_backend.service.model_loader import ModelLoader, ModelStatus
from sam_backend.service.routes import label_studio_routes
from sam_backend.service.setup_memory import SetupMemory
from sam_backend.service.try_page.limits import Limits
from sam_backend.service.try_page.routes import try_page_routes
from sam_backend.settings import Settings

_DRAFTS_BYTES = 64_000_000  # every click brings the task's drafts: 100 masks of 24 megapixels were 7.3 MB


def create_app(settings: Settings) -> Flask:
    """Build the service and start loading its model in the background."""
    model = ModelLoader(
        name=checkpoint_name(settings.model),
        read_version=partial(checkpoint_version, settings.model),
        load=partial(load_sam, settings.model, device=settings.device, dtype=settings.dtype),
        on_end=partial(_say_who_answers, port=settings.port),
    )
    app = build_app(settings, model)
    model.start()
    return app


def build_app(settings: Settings, model: ModelLoader) -> Flask:
    """Build the service over a model that someone else starts."""
    show_log()
    setups = SetupMemory()
    embeddings = EmbeddingCache[Embedding](capacity_bytes=settings.cache_mb * 1_000_000)
    annotator = Annotator(
        model=model,
        image_source=_image_source(settings),
        embeddings=embeddings,
        setups=setups,
        max_pixels=settings.max_megapixels * 1_000_000,
    )
    app = Flask(__name__, static_folder=None)
    app.json = _StrictJson(app)
    app.config["MAX_CONTENT_LENGTH"] = _DRAFTS_BYTES + settings.max_picture_mb * 1_400_000  # a data: URI is base64
    app.register_blueprint(label_studio_routes(model=model, annotator=annotator, setups=setups))
    app.register_blueprint(try_page_routes(model=model, embeddings=embeddings, limits=Limits.of(settings)))
    register_errors(app)
    return app


def _image_source(settings: Settings) -> ImageSource:
    url = settings.label_studio_url
    return ImageSource(
        own_host=None if url is None else LabelStudioHost(url=url, api_key=settings.label_studio_api_key),
        local_files_root=settings.local_files_root,
        limits=FetchLimits(max_bytes=settings.max_picture_mb * 1_000_000, timeout_s=settings.fetch_timeout_s),
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
