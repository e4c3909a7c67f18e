"""Starts a real QGIS on a virtual screen, in a profile of its own, and lets `gui_check.py` use the plugin there.

    /usr/bin/python3 tests/qgis/desktop/run_desktop.py OUT [--worker-python P] [--raster R]

OUT gets the screenshots and `findings.json`; the exit status is that of the checks. It needs qgis, xvfb and openbox.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def main() -> int:
    """Run the desktop once."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    findings = arguments.out / "findings.json"
    findings.unlink(missing_ok=True)
    # Layers in the temporary folder count as temporary, and QGIS would ask about them before it ends.
    with tempfile.TemporaryDirectory(dir=arguments.out) as work, _screen(arguments.screen) as display:
        environment = _environment(Path(work), display, arguments)
        _write_profile(Path(work) / "profiles", arguments.worker_python)
        with _window_manager(environment):
            command = ["qgis.bin", "--nologo", "--noversioncheck", "--profiles-path", work, "--profile", "default"]
            ended = subprocess.run(
                [*command, "--code", str(HERE / "gui_check.py")],
                env=environment,
                timeout=arguments.timeout,
                check=False,
            )
    if not findings.exists():
        sys.stderr.write(f"QGIS ended with {ended.returncode} before the checks did\n")
        return 1
    found = json.loads(findings.read_text())
    for name, outcome in found.items():
        sys.stdout.write(f"{name}: {outcome}\n")
    return 0 if found.get("failures") == [] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=lambda path: Path(path).resolve())
    parser.add_argument("--worker-python", default=str(ROOT / ".venv" / "bin" / "python"))
    parser.add_argument("--raster", default="", help="to point at; else one is made")
    parser.add_argument(
        "--points", default="", help="X,Y to click or X,Y,X,Y for a box, with ; between; in the raster's CRS"
    )
    parser.add_argument("--width", type=float, default=0, help="how much of it to show, in map units, with --raster")
    parser.add_argument("--steps", default="toolbox,dialog,map-tool,settings", help="some of these, in this order")
    parser.add_argument("--screen", default="1440x900")
    parser.add_argument("--timeout", type=float, default=1500)
    return parser.parse_args()


def _environment(work: Path, display: str, arguments: argparse.Namespace) -> dict[str, str]:
    """QGIS takes its Python home from PATH: an environment of another Python there would break it."""
    runtime = work / "runtime"
    runtime.mkdir(mode=0o700)
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "OMP_NUM_THREADS") if name in os.environ}
    return {
        **kept,
        "PATH": "/usr/bin:/bin",
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "QGIS_PLUGINPATH": str(ROOT / "plugins"),
        "XDG_RUNTIME_DIR": str(runtime),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SAM_DESKTOP_OUT": str(arguments.out),
        "SAM_DESKTOP_WORK": str(work),
        "SAM_DESKTOP_RASTER": arguments.raster,
        "SAM_DESKTOP_POINTS": arguments.points,
        "SAM_DESKTOP_STEPS": arguments.steps,
        "SAM_DESKTOP_WIDTH": str(arguments.width),
    }


def _write_profile(profiles: Path, worker_python: str) -> None:
    settings = profiles / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "[PythonPlugins]\nprocessing=true\nsegment_anything=true\n\n"
        f"[segment_anything]\nbackend=local\npython={worker_python}\nsource_folder={ROOT}\n\n"
        "[app]\nfirstRunVersionFlag=\ncheckVersion=false\n\n[qgis]\nshowTips=false\ncheckVersion=false\n\n"
        "[locale]\noverrideFlag=true\nuserLocale=en_US\n"
    )


@contextmanager
def _screen(size: str) -> Iterator[str]:
    """A virtual screen whose number Xvfb chooses itself."""
    read_fd, write_fd = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_fd), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write_fd], stderr=subprocess.DEVNULL) as server:
        os.close(write_fd)
        try:
            with os.fdopen(read_fd) as number:
                yield f":{number.readline().strip()}"
        finally:
            server.terminate()


@contextmanager
def _window_manager(environment: dict[str, str]) -> Iterator[None]:
    """Without one, windows get no focus, and so no keys."""
    openbox = shutil.which("openbox")
    if openbox is None:
        yield
        return
    with subprocess.Popen([openbox], env=environment, stderr=subprocess.DEVNULL) as manager:
        try:
            yield
        finally:
            manager.terminate()


if __name__ == "__main__":
    sys.exit(main())
