"""The raster engine's part of the service, put together."""

from __future__ import annotations

from flask import Blueprint

from sam_backend.geo.protocol.view_book import ViewBook
from sam_backend.service.encode_desk import EncodeDesk, PatientDesk
from sam_backend.service.event_log import LOGGER
from sam_backend.service.last_errors import LastErrors
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.raster.asking import Asking
from sam_backend.service.raster.courtesy import Courtesy
from sam_backend.service.raster.host import ClickHost, RunHost
from sam_backend.service.raster.raster_paths import RasterPaths
from sam_backend.service.raster.routes import raster_routes
from sam_backend.service.raster.run_book import RunBook
from sam_backend.service.raster.run_threads import RunThreads
from sam_backend.service.raster.spool import Spool, default_spool
from sam_backend.service.raster.taking_on import TakingOn
from sam_backend.service.raster.uploads import Uploads
from sam_backend.settings import Settings


def run_book(settings: Settings) -> RunBook:
    """The book of runs that the settings name."""
    spool = Spool(settings.raster_spool or default_spool(settings.cache_url))
    return RunBook(spool, keep_s=settings.raster_keep_hours * 3600.0)


def build_raster_routes(
    settings: Settings,
    model: ModelLoader,
    desk: EncodeDesk,
    last_errors: LastErrors,
    book: RunBook,
) -> Blueprint:
    """Build every part and hand it its parts."""
    uploads = Uploads(book.spool, max_bytes=settings.raster_upload_mb * 1_000_000)
    courtesy = Courtesy(desk.lanes)
    views = ViewBook(PatientDesk(desk, settings.predict_wait_s))
    taking_on = TakingOn(
        asking=Asking(RasterPaths(settings.raster_folders, uploads), book),
        book=book,
        threads=RunThreads(courtesy, _say_unexpected),
        run_host=RunHost(model, views, courtesy),
        click_host=ClickHost(model, views, desk.lanes),
    )
    return raster_routes(taking_on, uploads, desk.lanes, last_errors)


def _say_unexpected(error: Exception) -> None:
    LOGGER.error("unexpected error in a raster run", exc_info=error)
