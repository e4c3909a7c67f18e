"""The service for a WSGI server: ``gunicorn -c python:sam_backend.service.gunicorn_conf`` from this folder."""

import os

from sam_backend.service.app import create_app
from sam_backend.settings import Settings

app = create_app(Settings.from_env(os.environ))
