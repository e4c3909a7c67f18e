"""The service over a real small model in a real weights file."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click_bodies import PICTURE_HW
from flask.testing import FlaskClient
from PIL import Image

from sam_backend.predict.predictor import Predictor
from sam_backend.service.app import create_app
from sam_backend.settings import Settings


@pytest.fixture(scope="session")
def checkpoint(tiny_checkpoint: Path) -> Path:
    return tiny_checkpoint


@pytest.fixture(scope="session")
def predictor(tiny_predictor: Predictor) -> Predictor:
    """The model that the service loads, for comparison."""
    return tiny_predictor


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """(60, 80, 3) RGB."""
    return np.random.default_rng(3).integers(0, 256, (*PICTURE_HW, 3), np.uint8)


@pytest.fixture(scope="session")
def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


@pytest.fixture
def start(checkpoint: Path) -> Callable[..., FlaskClient]:
    def build(**settings: object) -> FlaskClient:
        return create_app(Settings(**{"model": str(checkpoint), "device": "cpu", **settings})).test_client()

    return build


@pytest.fixture
def client(start: Callable[..., FlaskClient]) -> FlaskClient:
    return start()
