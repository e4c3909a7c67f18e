"""How gunicorn runs the service: ``gunicorn -c python:sam_backend.service.gunicorn_conf``.

One process: memory for one model, and one cache of embeddings that all threads share. PyTorch leaves the
interpreter lock while it computes, so eight threads keep /health quick beside a picture that is being encoded.
"""

from __future__ import annotations

import os

from sam_backend.errors import SettingsError
from sam_backend.settings import Settings

try:
    _settings = Settings.from_env(os.environ)
except SettingsError as error:
    raise SystemExit(f"sam_backend: {error}") from None  # gunicorn would bury the sentence under a traceback

wsgi_app = "_wsgi:app"
bind = f"0.0.0.0:{_settings.port}"
workers = 1
worker_class = "gthread"
threads = 8
timeout = 120  # above Label Studio's own 100 s
preload_app = False  # the model's thread must be born in the worker: threads don't survive a fork
control_socket_disable = True  # gunicorn 27 opens one in the home folder, shared by all services there
