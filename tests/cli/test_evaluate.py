import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.__main__ import main
from sam_backend.cli import evaluate
from sam_backend.evaluation import extras


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of one picture with two bright discs."""
    y, x = np.mgrid[:64, :80]
    nucleus, small = (x - 30) ** 2 + (y - 30) ** 2 < 200, (x - 60) ** 2 + (y - 40) ** 2 < 100
    folder = tmp_path / "pictures"
    for part, pixels in (("images", (nucleus | small) * np.uint8(200)), ("labels", nucleus + 2 * small.astype(int))):
        (folder / part).mkdir(parents=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / part / "one.png")
    return folder


def test_evaluate_with_tools_compares_and_draws_the_calibration(
    pictures: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, plot = tmp_path / "figures.json", tmp_path / "calibration.png"
    words = ["evaluate", "--data", f"discs={pictures}", "--scenes", "1", "--max-objects", "2", "--tools"]
    assert main([*words, "--json", str(figures), "--plot", str(plot), "--checkpoint", str(tiny_checkpoint)]) == 0
    printed = capsys.readouterr().out
    assert "| discs (2) | scenes (2) |" in printed
    assert "discs, box: the model is" in printed
    columns = json.loads(figures.read_text("utf-8"))["columns"]
    assert columns["discs"]["mean_iou"]["box"]["GrabCut"] > 0.9
    assert set(columns["scenes"]["mean_iou"]["5 clicks"]) == {"model", "random walker", "flood fill"}
    with Image.open(plot) as drawn:
        assert drawn.format == "PNG"


@pytest.mark.parametrize("words", [["--plot", "calibration.png"], ["--tools"]], ids=["plot", "tools"])
def test_a_missing_library_is_told_before_the_work(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing_installed(module: str) -> None:
        raise ImportError(module)

    def work(*_: object) -> None:
        pytest.fail("the work began")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extras, "import_module", nothing_installed)
    monkeypatch.setattr(evaluate, "evaluate_pictures", work)
    assert main(["evaluate", "--scenes", "1", *words]) == 2
    assert "pip install 'sam-backend[eval]'" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["none", "0", "-3"])
def test_a_number_of_pictures_is_1_or_more(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", f"--scenes={number}"])
    assert stop.value.code == 2
    assert "is no number of things: give 1 or more" in capsys.readouterr().err
