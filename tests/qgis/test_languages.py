"""A translation that lies in the plugin's folder is what QGIS says, down to the errors of the engines."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PLUGINS
from process import ProcessingError, QgisProcess

LRELEASE = shutil.which("lrelease", path="/usr/bin:/usr/lib/qt5/bin")
GERMAN = {
    "Segment raster (automatic)": "Raster segmentieren (automatisch)",
    "no Python with the backend is known: run the algorithm 'Backend status and set-up' of the toolbox, or name one "
    "under Settings > Options > Segment Anything": "Kein Python ist bekannt.",
}


@pytest.mark.skipif(LRELEASE is None, reason="Qt's lrelease isn't installed")
def test_qgis_speaks_the_language_of_a_translation(tmp_path: Path) -> None:
    plugin = tmp_path / "plugins" / "segment_anything"
    shutil.copytree(PLUGINS / "segment_anything", plugin, ignore=shutil.ignore_patterns("__pycache__"))
    (plugin / "i18n" / "de.ts").write_text(runpy.run_path(str(PLUGINS / "translations.py"))["ts_of"]("de", GERMAN))
    subprocess.run(
        [str(LRELEASE), plugin / "i18n" / "de.ts", "-qm", plugin / "i18n" / "segment_anything_de.qm"],
        check=True,
        capture_output=True,
    )
    profile = tmp_path / "profile"
    settings = profile / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text("[locale]\noverrideFlag=true\nuserLocale=de_AT\n")
    process = QgisProcess(profile, plugin.parent)

    assert "Raster segmentieren (automatisch)" in process.call("list")
    with pytest.raises(ProcessingError, match="Kein Python ist bekannt"):
        process.run("setup", ACTION=2, MODEL="x")
