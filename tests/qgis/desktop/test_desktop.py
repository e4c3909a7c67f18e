"""The plugin in a real QGIS window, on a virtual screen: toolbox, dialog, map tool and page of settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PYTHON = os.environ.get("BACKEND_PYTHON", str(HERE.parents[2] / ".venv" / "bin" / "python"))


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="xvfb isn't installed")
def test_the_plugin_works_in_a_real_window(tmp_path: Path) -> None:
    subprocess.run(  # its exit status is that of the findings below
        [sys.executable, HERE / "run_desktop.py", tmp_path, "--worker-python", PYTHON], check=False
    )
    found = json.loads((tmp_path / "findings.json").read_text())
    assert found["failures"] == []
    assert len(found["algorithms"]) == 5
    assert found["loaded"]["Objects"] > 0
    assert found["check"].startswith("✓")
    ((score, area_m2, raster, model),) = found["accepted"]
    assert 0 < score <= 1
    assert area_m2 == pytest.approx(1850, rel=0.25)
    assert (raster, bool(model)) == ("scene", True)
