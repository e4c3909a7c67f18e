"""How gunicorn runs the service: ``gunicorn -c python:sam_backend.service.gunicorn_conf``.

One process unless SAM_WORKERS says otherwise: memory for one model, and one cache of embeddings that all threads share.
PyTorch leaves the interpreter lock while it computes, so threads keep /health quick beside a picture that is being
encoded. See docs/operation.md.
"""

from __future__ import annotations

import os
from typing import Any

from sam_backend.errors import SettingsError
from sam_backend.service.log_format import gunicorn_json_log
from sam_backend.service.metrics.shared_folder import forget_metrics, forget_worker, share_metrics
from sam_backend.settings import Settings

try:
    _settings = Settings.from_env(os.environ)
except SettingsError as error:  # gunicorn would bury the sentences under a traceback
    raise SystemExit("\n".join(f"sam_backend: {sentence}" for sentence in str(error).splitlines())) from None

wsgi_app = "_wsgi:app"
bind = f"0.0.0.0:{_settings.port}"
workers = _settings.workers
worker_class = "sam_backend.service.gunicorn_worker.PromptlyClosingWorker"
threads = _settings.threads
timeout = 120  # above Label Studio's own 100 s
graceful_timeout = int(_settings.predict_wait_s) + 10  # clicks that wait when it is told to stop are answered
preload_app = False  # the model's thread must be born in the worker: threads don't survive a fork
control_socket_disable = True  # gunicorn 27 opens one in the home folder, shared by all services there
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'  # without queries, which hold signatures and tokens
if _settings.log_format == "json":
    logconfig_dict = gunicorn_json_log()

_metrics_folder: str | None = None

_ALONE = (
    "%d workers share neither embeddings nor what was clicked on before, so that refining works by chance only: set "
    "SAM_CACHE_URL=file:///FOLDER (one machine) or redis://HOST, or SAM_WORKERS=1 and more SAM_THREADS"
)


def on_starting(server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Before any worker: what they share, with the numbers that hold, the command line's included."""
    global _metrics_folder  # gunicorn knows functions of this module only
    _metrics_folder = share_metrics()
    os.environ["SAM_THREADS"] = str(server.cfg.threads)
    if server.cfg.workers > 1 and _settings.cache_url == "memory":
        server.log.warning(_ALONE, server.cfg.workers)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """After a worker's end."""
    forget_worker(worker.pid)


def on_exit(server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """After all of them."""
    forget_metrics(_metrics_folder)
