"""The service over a real small model in a real weights file."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click_bodies import PICTURE_HW
from flask.testing import FlaskClient
from PIL import Image

from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.service.app import create_app
from sam_backend.settings import Settings


@pytest.fixture(scope="session")
def checkpoint(tiny_predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(tiny_predictor.network.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def predictor(checkpoint: Path) -> Predictor:
    """The model that the service loads, for comparison."""
    return load_sam(str(checkpoint), device="cpu")


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


@pytest.fixture(scope="session")
def tiny_predictor() -> Predictor:
    torch.manual_seed(0)
    network = Sam(SamConfig(ConvConfig(64, (8, 8, 16, 16), (1, 1, 1, 1), 32), decoder_mlp_width=32, iou_head_width=32))
    return Predictor(network.eval(), "tiny", "tiny-0", torch.device("cpu"))
