"""Views made into embeddings, each once: rasters stay planned, pixels and features stay at hand."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sam_backend.errors import RasterError
from sam_backend.geo.protocol.last_masks import LastMasks
from sam_backend.geo.protocol.view import MAX_SIDE_PX, PictureView, RasterView, View, check_side
from sam_backend.geo.raster import RasterWindow
from sam_backend.geo.read_plan import ReadPlan, plan_reading
from sam_backend.geo.run.run_settings import file_state
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.embedding_cache import EmbeddingCache
from sam_backend.predict.embedding_library import Embeddings
from sam_backend.predict.picture import decode_picture
from sam_backend.predict.predictor import Predictor

WINDOWS_BYTES = 128_000_000
"""About thirty views of 1024 px."""

N_RASTERS = 16


@dataclass(frozen=True, slots=True, eq=False)
class ReadView:
    """A view's pixels."""

    window: RasterWindow

    content: str
    """A digest of what the model is shown."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.window.pixels.nbytes + self.window.is_valid.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class SeenView:
    """A view that can be prompted."""

    window: RasterWindow
    embedding: Embedding
    content: str

    was_known: bool
    """Whether somebody had looked at it before."""

    embed_s: float
    """Until the embedding was there."""

    read_s: float
    """Of these, until the pixels were there."""


class ViewBook:
    """For use from many threads.

    Args:
        embeddings: where they come from.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings
        self._read: EmbeddingCache[ReadView] = EmbeddingCache(WINDOWS_BYTES)
        self._plan = lru_cache(N_RASTERS)(_plan)
        self._sized = lru_cache(N_RASTERS)(self._at_ground_size)
        self.last_masks = LastMasks()

    def see(self, view: View, predictor: Predictor) -> SeenView:
        """Read and encode a view.

        Raises:
            RasterError: the raster can't be read, or has no data in the view.
            ImageError: the picture can't be read.
            RequestError: the view is too large.
        """
        started_s = time.perf_counter()
        read = self._read.get_or_make(_key(view), lambda: self._read_view(view))
        read_s = time.perf_counter() - started_s
        made: list[str] = []

        def pixels() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
            made.append(read.content)
            return read.window.pixels

        embedding = self._embeddings.get_or_make(predictor, read.content, pixels)
        return SeenView(
            window=read.window,
            embedding=embedding,
            content=read.content,
            was_known=not made,
            embed_s=time.perf_counter() - started_s,
            read_s=read_s,
        )

    def _read_view(self, view: View) -> ReadView:
        window = _picture(view) if isinstance(view, PictureView) else self._window(view)
        digest = hashlib.sha256(repr(window.pixels.shape).encode())
        digest.update(window.pixels.tobytes())
        return ReadView(window, digest.hexdigest())

    def _window(self, view: RasterView) -> RasterWindow:
        raster = self._sized(
            view.raster, file_state(view.raster), view.bands, view.stretch_percent, view.ground_size_factor
        )
        rect = _run_rect(view.source_rect, raster)
        check_side(rect.width_px, rect.height_px)
        window = raster.read(rect)
        if not window.is_valid.any():
            raise RasterError(f"{view.raster.name} has no data in this view: show a place with data")
        return window

    def _at_ground_size(
        self,
        path: Path,
        state: str,
        bands: tuple[int, ...] | None,
        stretch_percent: tuple[float, float],
        factor: float,
    ) -> TiledRaster:
        """Whoever zooms shows one raster at many sizes, and looking at the whole of it takes longest."""
        return TiledRaster(path, self._plan(path, state, bands, stretch_percent).at_ground_size(factor))


def _key(view: View) -> Hashable:
    """A raster that was changed is another one."""
    if isinstance(view, PictureView):
        return hashlib.sha256(view.data).digest(), view.transform
    return view, file_state(view.raster)


def _plan(path: Path, state: str, bands: tuple[int, ...] | None, stretch_percent: tuple[float, float]) -> ReadPlan:
    """Made anew when the file's state changes."""
    return plan_reading(path, bands, stretch_percent)


def _run_rect(source_rect: PixelRect, raster: TiledRaster) -> PixelRect:
    plan = raster.plan
    per_x, per_y = plan.run_wh[0] / plan.source_width_px, plan.run_wh[1] / plan.source_height_px
    left, top = round(source_rect.left_px * per_x), round(source_rect.top_px * per_y)
    right, bottom = round(source_rect.right_px * per_x), round(source_rect.bottom_px * per_y)
    return PixelRect(left, top, max(right, left + 1), max(bottom, top + 1))


def _picture(view: PictureView) -> RasterWindow:
    pixels = decode_picture(view.data, name="the picture", max_pixels=MAX_SIDE_PX**2)
    check_side(pixels.shape[1], pixels.shape[0])
    return RasterWindow(pixels, np.ones(pixels.shape[:2], np.bool_), view.transform, None)
