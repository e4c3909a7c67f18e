"""A raster layer as a file that the engine can open; what is none is written to one."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Any

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProviderRegistry,
    QgsRasterBlockFeedback,
    QgsRasterDataProvider,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)

from ..engine.engine import Engine
from ..text import tr
from .kept_files import kept_file, kept_folder, state_of

_MOST_PIXELS = 1_000_000_000
"""Of a layer that is fetched through QGIS: beyond it, a mistyped resolution is likelier than a wish."""

_WRITE_OPTIONS = ["COMPRESS=DEFLATE", "TILED=YES", "BIGTIFF=IF_SAFER"]
_DECISIVE = ("SRS", "GeoTransform", "GCPList", "NoDataValue", "ColorInterp", "ColorTable", "Offset", "Scale")
"""Elements of GDAL's .aux.xml that change what a raster shows, or where."""


@dataclass(frozen=True)
class RasterSource:
    """What is known of a raster layer, for use in another thread."""

    name: str
    file: str
    """The file itself; empty where the layer is none that another program can open and lay where QGIS does."""

    uri: str
    provider: QgsRasterDataProvider
    """A copy of our own."""

    crs: QgsCoordinateReferenceSystem
    """The layer's; may be another one than the file's."""

    extent: QgsRectangle
    width_px: int
    height_px: int
    """0 where the layer has no pixels of its own, such as tiles from the web."""

    @classmethod
    def of(cls, layer: QgsRasterLayer) -> RasterSource:
        """Take it from a layer, in the layer's thread."""
        provider = layer.dataProvider().clone()
        return cls(
            name=layer.name(),
            file=_file_of(layer),
            uri=layer.source(),
            provider=provider,
            crs=layer.crs(),
            extent=layer.extent(),
            width_px=layer.width(),
            height_px=layer.height(),
        )

    def for_engine(
        self, engine: Engine, extent: QgsRectangle | None, resolution: float | None, feedback: QgsProcessingFeedback
    ) -> str:
        """The path of a file that the engine can open.

        Args:
            engine: that is to open it.
            extent: what is wanted of it, in its CRS; None: all. A file is given whole.
            resolution: pixel size in units of the CRS, for layers without pixels of their own.
            feedback: told of what is written, and asked whether to stop.

        Raises:
            QgsProcessingException: it can't be written.
        """
        if not self.file:
            return self._exported(extent or self.extent, resolution, feedback)
        is_as_stated = self.provider.crs() == self.crs and _says_its_place(self.file)
        if is_as_stated and (engine.sees(self.file) or _is_whole(self.file)):
            return self.file
        as_vrt = engine.sees(os.path.join(kept_folder(), "any.vrt")) and not is_as_stated
        return self._restated(as_vrt, feedback)

    def _exported(self, extent: QgsRectangle, resolution: float | None, feedback: QgsProcessingFeedback) -> str:
        size_x, size_y = self._pixel_size(resolution)
        n_columns, n_rows = max(1, round(extent.width() / size_x)), max(1, round(extent.height() / size_y))
        if n_columns * n_rows > _MOST_PIXELS:
            raise QgsProcessingException(
                tr("{0} would have {1} x {2} pixels here: choose a smaller extent or larger pixels.").format(
                    self.name, n_columns, n_rows
                )
            )
        key = ["export", self.uri, self._version(), extent.toString(9), n_columns, n_rows, self.crs.toWkt()]
        path = kept_file(key, ".tif")
        if not os.path.exists(path):
            feedback.pushInfo(
                tr("{0} is no plain file: writing {1} x {2} pixels of it to {3}").format(
                    self.name, n_columns, n_rows, path
                )
            )
            self._write(path, n_columns, n_rows, extent, feedback)
        return path

    def _write(
        self, path: str, n_columns: int, n_rows: int, extent: QgsRectangle, feedback: QgsProcessingFeedback
    ) -> None:
        part = path[: -len(".tif")] + ".part.tif"
        pipe = QgsRasterPipe()
        pipe.set(self.provider.clone())
        writer = QgsRasterFileWriter(part)
        writer.setOutputFormat("GTiff")
        writer.setCreateOptions(_WRITE_OPTIONS)
        watch = QgsRasterBlockFeedback()
        feedback.canceled.connect(watch.cancel)
        outcome = writer.writeRaster(pipe, n_columns, n_rows, extent, self.crs, QgsCoordinateTransformContext(), watch)
        if feedback.isCanceled():
            raise QgsProcessingException(tr("Stopped while {0} was being written.").format(self.name))
        if outcome != QgsRasterFileWriter.WriterError.NoError or not os.path.exists(part):
            raise QgsProcessingException(
                tr(
                    "{0} can't be written to {1} (error {2}): see that it shows on the map and that there is room."
                ).format(self.name, path, int(outcome))
            )
        os.replace(part, path)

    def _pixel_size(self, resolution: float | None) -> tuple[float, float]:
        if resolution:
            return resolution, resolution
        return self.extent.width() / self.width_px, self.extent.height() / self.height_px

    def _version(self) -> Any:  # noqa: ANN401 - goes into a key
        """What changes when the content does, as far as one can tell: the web's changes daily."""
        path = QgsProviderRegistry.instance().decodeUri(self.provider.name(), self.uri).get("path", "")
        status = gdal.VSIStatL(path) if path else None
        return str(datetime.date.today()) if status is None else [status.size, status.mtime]

    def _restated(self, as_vrt: bool, feedback: QgsProcessingFeedback) -> str:
        """A copy in one file that says the layer's CRS and place; a VRT where the engine sees our files."""
        wkt = self.crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED_GDAL)
        corners = None if _says_its_place(self.file) else self._corners()
        path = kept_file(["copy", self.file, state_of(self.file), wkt, as_vrt, corners], ".vrt" if as_vrt else ".tif")
        if not os.path.exists(path):
            part = path[:-4] + ".part" + path[-4:]
            options = {"format": "VRT"} if as_vrt else {"format": "GTiff", "creationOptions": _WRITE_OPTIONS}
            feedback.pushInfo(tr("Writing {0} in one file with the layer's CRS and place").format(self.name))
            gdal.SetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")  # or the mask gets a file of its own
            copied = gdal.Translate(
                part, self.file, outputSRS=wkt or None, outputBounds=corners, callback=_going_on(feedback), **options
            )
            gdal.SetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
            if copied is None:
                raise QgsProcessingException(
                    tr("{0} can't be copied to {1} ({2}): see that there is room.").format(
                        self.file, path, gdal.GetLastErrorMsg()
                    )
                )
            os.replace(part, path)
        return path

    def _corners(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom on the map: QGIS shows pixels without a place downwards from y = 0."""
        extent = self.extent
        return extent.xMinimum(), extent.yMaximum(), extent.xMaximum(), extent.yMinimum()


def _going_on(feedback: QgsProcessingFeedback) -> Any:  # noqa: ANN401 - GDAL's callback
    return lambda share, message, data: 0 if feedback.isCanceled() else 1


def _file_of(layer: QgsRasterLayer) -> str:
    if layer.providerType() != "gdal":
        return ""
    parts = QgsProviderRegistry.instance().decodeUri("gdal", layer.source())
    is_plain = not any(parts.get(name) for name in ("layerName", "vsiPrefix", "vsiSuffix", "openOptions"))
    path = str(parts.get("path") or "")
    return os.path.abspath(path) if is_plain and os.path.isfile(path) and not _is_bent(path) else ""


def _is_bent(file: str) -> bool:
    """Whether QGIS shows other pixels than the file's: warped by control points, or by the model of its camera."""
    opened = gdal.Open(file)
    if opened is None:
        return False
    return opened.GetGCPCount() > 0 or bool(opened.GetMetadata("RPC") and not _says_its_place(file))


def _says_its_place(file: str) -> bool:
    """Whether a file, or one beside it, has a transform from its pixels to the map."""
    opened = gdal.Open(file)
    return opened is not None and opened.GetGeoTransform(can_return_null=True) is not None


def _is_whole(file: str) -> bool:
    """Whether all that matters of a raster lies in this one file; overviews and statistics may lie beside it."""
    opened = gdal.Open(file)
    files = [] if opened is None else opened.GetFileList() or []
    return sum(not name.endswith(".ovr") and not _is_statistics(name) for name in files) == 1


def _is_statistics(file: str) -> bool:
    """Whether a file holds only what QGIS notes beside each raster that it shows."""
    if not file.endswith(".aux.xml"):
        return False
    with open(file, encoding="utf-8", errors="replace") as opened:
        text = opened.read()
    return not any(f"<{name}" in text for name in _DECISIVE)
