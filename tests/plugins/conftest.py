"""The parts of the QGIS plugin that need no QGIS, importable as QGIS would import them."""

import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[2] / "plugins"

sys.path.insert(0, str(PLUGINS))
