"""Small real models that every test may share, and one hypothesis profile."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.predict.predictor import Predictor, load_sam

# A background job of a shell ignores Ctrl-C, and so would the programs that are stopped with it here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow moment of the machine is no defect. Whether a change lands is no lottery: in CI the examples are always the
# same, elsewhere new ones are looked for each time.
settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ours")

TINY = SamConfig(ConvConfig(64, (8, 8, 16, 16), (1, 1, 1, 1), 32), 2, 32, 32, draws_prompts=True)
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a service learns in a test lies in a folder of the tests, not of whoever runs them."""
    home = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(home))
        yield home


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
