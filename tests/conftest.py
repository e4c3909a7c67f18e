"""Small real models that every test may share, and one hypothesis profile."""

import os
import signal
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.predict.predictor import Predictor, load_sam

# What a person's own service has learnt is no part of a test.
os.environ["XDG_DATA_HOME"] = os.path.join(tempfile.gettempdir(), f"sam-backend-tests-{os.getpid()}")

# A background job of a shell ignores Ctrl-C, and so would the programs that are stopped with it here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow moment of the machine is no defect. Whether a change lands is no lottery: in CI the examples are always the
# same, elsewhere new ones are looked for each time.
settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ours")

TINY = SamConfig(ConvConfig(64, (8, 8, 16, 16), (1, 1, 1, 1), 32), 2, 32, 32, draws_prompts=True)
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def tiny_network() -> Sam:
    torch.manual_seed(35)  # of the first 120 the one whose masks are farthest from empty and full
    return Sam(TINY).eval()


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_network: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(tiny_network.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def tiny_predictor(tiny_checkpoint: Path) -> Predictor:
    return load_sam(str(tiny_checkpoint), device="cpu")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Specifications, golden outputs and data that aren't part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared isn't here")
    return SHARED
