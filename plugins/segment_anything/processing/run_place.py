"""Where a run is kept, so that the same run goes on where it was stopped."""

from __future__ import annotations

import os
import tempfile
import uuid
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingOutputLayerDefinition, QgsProcessingUtils

from .kept_files import kept_file

JOURNAL_ENDING = ".journal"
_FILE_ENDINGS = (".gpkg", ".fgb", ".geojson", ".json", ".shp", ".parquet", ".kml", ".gml", ".csv", ".sqlite")


def journal_path(wanted: str, output: Any, key: Any, context: QgsProcessingContext) -> str:  # noqa: ANN401
    """The journal's path: as wanted, else beside the output, else in the profile.

    Args:
        wanted: by the user; empty where that is left to us.
        output: the value of the parameter of the output.
        key: what tells this run from others, where the output is a temporary layer.
        context: of the algorithm.
    """
    if wanted and not _is_temporary(wanted):
        return os.path.abspath(wanted)
    file = _file_of(output, context)
    return file + JOURNAL_ENDING if file else kept_file(["journal", key], JOURNAL_ENDING)


def unused_file(ending: str) -> str:
    """A path in the temporary folder of Processing at which there is nothing yet."""
    return os.path.join(QgsProcessingUtils.tempFolder(), f"segment_anything_{uuid.uuid4().hex}{ending}")


def _file_of(output: Any, context: QgsProcessingContext) -> str:  # noqa: ANN401
    if isinstance(output, QgsProcessingOutputLayerDefinition):
        output = output.sink.valueAsString(context.expressionContext())[0]
    text = str(output or "")
    if not text.lower().endswith(_FILE_ENDINGS) or _is_temporary(text):
        return ""
    path = os.path.abspath(text)
    return path if os.path.isdir(os.path.dirname(path)) else ""


def _is_temporary(path: str) -> bool:
    folder = os.path.realpath(QgsProcessingUtils.tempFolder())
    is_processings = os.path.realpath(path).startswith(os.path.join(folder, ""))
    return is_processings and folder != os.path.realpath(tempfile.gettempdir())
