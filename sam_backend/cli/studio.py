"""``studio``: a real Label Studio beside the backend, with a project to click in."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from sam_backend.cli.local_studio import LocalStudioError
from sam_backend.cli.local_studio.installing import install_label_studio
from sam_backend.cli.local_studio.pictures import write_pictures
from sam_backend.cli.local_studio.sample_project import LocalStudio
from sam_backend.cli.local_studio.server import Server, check_port
from sam_backend.cli.local_studio.sign_in import SignIn, keep_sign_in
from sam_backend.settings import Settings

_PATIENCE_S = 1800.0
"""Label Studio makes its tables at its first start: a minute on two idle cores, 13 on two that had much else to do."""

_POLL_S = 0.5

_READY = """
  open      {url}
  e-mail    {sign_in.email}
  password  {sign_in.password}
  click     Auto-Annotation on (bottom of the page); take the last tool of the toolbar, the key point;
            pick "Nucleus" under "Smart click"; click a nucleus.
  keys      Alt+click: not this.  In an accepted mask Ctrl+click: this too, Ctrl+Alt+click: not this.
  backend   {backend_url} shows model, caches and the last errors
  logs      {folder}/label-studio.log, {folder}/backend.log

Ctrl-C ends both. The next start finds everything again; remove {folder} to begin anew.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "studio",
        help="start a real Label Studio beside the backend, with a project to click in",
        description="Installs Label Studio from pip at the first start (1 GB), starts it and the backend for this "
        "machine alone, makes a project of generated pictures, and says where to click. Run it in the project's "
        "folder. The backend takes its settings from the environment, such as SAM_MODEL.",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(".studio"), metavar="DIR", help="for all of it; default: .studio"
    )
    parser.add_argument("--port", type=int, default=8080, metavar="N", help="of Label Studio; default: 8080")
    parser.add_argument("--backend-port", type=int, default=9090, metavar="N", help="default: 9090")
    parser.add_argument("--label-studio", metavar="COMMAND", help="one that is installed already, instead of our own")
    parser.add_argument(
        "--labeling-config",
        type=Path,
        default=Path("docs/labeling-config.xml"),
        metavar="FILE",
        help="of a new project",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Start both, say where to click, and stay until Ctrl-C."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):  # a shell has its background processes ignore the first
        signal.signal(signal_number, signal.default_int_handler)
    try:
        _check(arguments)
        with ExitStack() as running:
            servers = _start(arguments, running)
            while True:
                for server in servers:
                    server.check()
                time.sleep(_POLL_S)
    except KeyboardInterrupt:
        print("\nBoth are stopped.")
        return 0


def _check(arguments: argparse.Namespace) -> None:
    """All that can be known before something is installed or started."""
    if not Path("_wsgi.py").exists():
        raise LocalStudioError(f"{Path.cwd()} has no _wsgi.py: start it in the folder of the project")
    if not arguments.labeling_config.exists():
        raise LocalStudioError(f"{arguments.labeling_config} isn't there: give a --labeling-config")
    if arguments.label_studio and shutil.which(arguments.label_studio) is None:
        raise LocalStudioError(f"{arguments.label_studio} is no command here: leave --label-studio out to install one")
    Settings.from_env(_backend_environ(arguments, "http://127.0.0.1", "unknown"))
    if arguments.port == arguments.backend_port:
        raise LocalStudioError(f"both can't have port {arguments.port}: give --port and --backend-port two")
    check_port(arguments.port, "Label Studio", "`make studio STUDIO_PORT=N` (--port N)")
    check_port(arguments.backend_port, "the backend", "`make studio PORT=N` (--backend-port N)")


def _start(arguments: argparse.Namespace, running: ExitStack) -> tuple[Server, Server]:
    started_s = time.monotonic()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    command = arguments.label_studio or install_label_studio(folder / "label-studio")
    data_folder = folder.resolve() / "data"
    is_new = not data_folder.exists()
    sign_in = keep_sign_in(folder / "sign-in.json", is_new=is_new)
    print(f"Starting Label Studio{', which makes its tables first: a minute or two' if is_new else ''} ...", flush=True)
    studio = _start_studio(arguments, str(command), data_folder, sign_in)
    running.callback(studio.stop)
    backend = _start_backend(arguments, studio.url, sign_in.token)
    running.callback(backend.stop)
    pictures = write_pictures(folder / "pictures")
    for server in (studio, backend):
        server.wait_until_healthy(_PATIENCE_S)
    api = LocalStudio(studio.url, sign_in.token)
    config = arguments.labeling_config.read_text()
    project = api.keep_project(folder / "project", config, pictures, backend.url)
    task = api.first_task(project)
    url = f"{studio.url}/projects/{project}/data" + ("" if task is None else f"?task={task}")
    _say_ready(
        f"Ready after {time.monotonic() - started_s:.0f} s.\n"
        + _READY.format(url=url, sign_in=sign_in, backend_url=backend.url, folder=folder)
    )
    return studio, backend


def _say_ready(words: str) -> None:
    print(words, flush=True)


def _start_studio(arguments: argparse.Namespace, command: str, data_folder: Path, sign_in: SignIn) -> Server:
    words = [command, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(arguments.port)]
    environ = os.environ | studio_environ(arguments.port, data_folder, sign_in)
    return Server.start("Label Studio", words, environ, arguments.port, arguments.folder / "label-studio.log")


def _start_backend(arguments: argparse.Namespace, studio_url: str, token: str) -> Server:
    bind = f"127.0.0.1:{arguments.backend_port}"
    words = [sys.executable, "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf", "--bind", bind]
    environ = _backend_environ(arguments, studio_url, token)
    return Server.start("the backend", words, environ, arguments.backend_port, arguments.folder / "backend.log")


def studio_environ(port: int, data_folder: Path, sign_in: SignIn) -> dict[str, str]:
    """What Label Studio is told: one account, a backend on this machine allowed, nothing asked of other machines."""
    return {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data_folder),
        "LABEL_STUDIO_HOST": f"http://127.0.0.1:{port}",
        "LABEL_STUDIO_USERNAME": sign_in.email,
        "LABEL_STUDIO_PASSWORD": sign_in.password,
        "LABEL_STUDIO_USER_TOKEN": sign_in.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",  # a switch  # nosec B105
        # Both are on by default since 1.23.1 and refuse every backend on a private address.
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        # Its own limits of 1 to 3 s are too short for a machine that has just started two servers.
        "ML_CONNECTION_TIMEOUT": "15",
        "ML_TIMEOUT_HEALTH": "15",
        "ML_TIMEOUT_SETUP": "15",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
    }


def _backend_environ(arguments: argparse.Namespace, studio_url: str, token: str) -> Mapping[str, str]:
    """The environment's settings, and what only this command knows; what the backend learns stays in the folder."""
    ours = {"LABEL_STUDIO_URL": studio_url, "LABEL_STUDIO_API_KEY": token, "PORT": str(arguments.backend_port)}
    return {"SAM_DATA_FOLDER": str(arguments.folder.resolve() / "backend"), **os.environ, **ours}
