"""The real qgis_process in a profile of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 1500
_LEFT_OUT = ("PYTHON", "PROJ_", "GDAL_", "VIRTUAL_ENV", "SAM_")


class ProcessingError(Exception):
    """What qgis_process said when it failed."""


def _heed_interrupts() -> None:
    """A shell makes programs in its background ignore them, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class QgisProcess:
    """Made of a folder for the profile and one that holds the plugin's folder."""

    folder: Path
    plugins: Path

    def __post_init__(self) -> None:
        """Switch the plugin on."""
        (self.folder / "run").mkdir(mode=0o700, exist_ok=True)
        self.call("plugins", "enable", "segment_anything")

    @property
    def environment(self) -> dict[str, str]:
        """Without what would lead QGIS to another Python."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        return kept | {
            "QT_QPA_PLATFORM": "offscreen",
            "QGIS_PREFIX_PATH": "/usr",
            "PATH": "/usr/bin:/bin",
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "QGIS_CUSTOM_CONFIG_PATH": str(self.folder),
            "QGIS_PLUGINPATH": str(self.plugins),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }

    def start(self, algorithm: str, **given: object) -> subprocess.Popen[str]:
        """Run an algorithm of the plugin, with its results as JSON."""
        words = [f"{name}={value}" for name, value in given.items()]
        command = ["/usr/bin/qgis_process.bin", "--json", "run", f"segmentanything:{algorithm}", "--", *words]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_interrupts,
        )

    def run(self, algorithm: str, **given: object) -> dict[str, Any]:
        """Run an algorithm to its end.

        Raises:
            ProcessingError: it failed.
        """
        started = self.start(algorithm, **given)
        said, complained = started.communicate(timeout=PATIENCE_S)
        if started.returncode != 0:
            raise ProcessingError(complained)
        results: dict[str, Any] = json.loads(said)["results"]
        return results

    def call(self, *words: str) -> str:
        """Give any command, and take what it prints."""
        return subprocess.run(
            ["/usr/bin/qgis_process.bin", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        ).stdout
