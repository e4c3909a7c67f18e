from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.__main__ import main
from sam_backend.cli import train
from sam_backend.model.checkpoint import load_network
from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.variants import EMBEDDED
from sam_backend.training.data.label_folder import held_out_nuclei


@pytest.fixture
def labels() -> np.ndarray:
    y, x = np.mgrid[:64, :80]
    return ((x - 30) ** 2 + (y - 30) ** 2 < 200).astype(np.uint16) + 2 * ((x - 60) ** 2 + (y - 40) ** 2 < 100).astype(
        np.uint16
    )


@pytest.fixture
def nuclei(labels: np.ndarray, tmp_path: Path) -> Path:
    """A folder with two pictures, one of them held out."""
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for name in ("seen", min(held_out_nuclei())):
        Image.fromarray((labels > 0).astype(np.uint8) * 200).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(labels).save(tmp_path / "labels" / f"{name}.png")
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = SamConfig(ConvConfig(64, (8, 8, 16, 16), (1, 1, 1, 1), 32), 2, 32, 32, draws_prompts=True)
    monkeypatch.setattr(train, "EMBEDDED", tiny)
    monkeypatch.setattr(train, "N_POINTING_STEPS", 2)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("with_nuclei", [True, False], ids=["with nuclei", "scenes only"])
def test_train_writes_weights_that_load_and_goes_on_where_it_was(
    with_nuclei: bool, nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "small.pth"
    words = ["train", "--steps", "2", "-o", str(out), *(["--nuclei", str(nuclei)] if with_nuclei else [])]
    assert main(words) == 0
    assert "step 2/2" in capsys.readouterr().out
    assert load_network(str(out)).image_size == 64
    first = out.read_bytes()
    assert main([*words, "--resume", "--steps", "3"]) == 0
    printed = capsys.readouterr().out
    assert "step 3/3" in printed
    assert "learning to point" not in printed
    assert out.read_bytes() != first


def test_the_embedded_network_is_small() -> None:
    assert sum(parameter.numel() for parameter in Sam(EMBEDDED).parameters()) < 8e6
