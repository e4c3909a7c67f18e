import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.__main__ import main
from sam_backend.training.data.label_folder import held_out_nuclei


@pytest.fixture
def labels() -> np.ndarray:
    y, x = np.mgrid[:64, :80]
    nucleus, small = (x - 30) ** 2 + (y - 30) ** 2 < 200, (x - 60) ** 2 + (y - 40) ** 2 < 100
    return nucleus.astype(np.uint16) + 2 * small.astype(np.uint16)


@pytest.fixture
def nuclei(labels: np.ndarray, tmp_path: Path) -> Path:
    """A folder with two pictures, one of them held out."""
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for name in ("seen", min(held_out_nuclei())):
        Image.fromarray((labels > 0).astype(np.uint8) * 200).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(labels).save(tmp_path / "labels" / f"{name}.png")
    return tmp_path


def test_evaluate_prints_the_table_and_writes_figures_and_plot(
    nuclei: Path, labels: np.ndarray, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--nuclei", str(nuclei), "--data", f"both={nuclei}", "--scenes", "1", "--max-objects", "3"]
    outputs = ["--json", str(tmp_path / "figures.json"), "--plot", str(tmp_path / "calibration.png"), "--tools"]
    assert main([*words, *outputs, "--checkpoint", str(tiny_checkpoint)]) == 0
    printed = capsys.readouterr().out
    shares = [(labels == label).sum() / side**2 for label, side in ((1, 29), (2, 19))]
    assert f"| filled box                    | {np.mean(shares):.3f}" in printed
    assert "| nuclei (2) | both (3) | scenes (3) |" in printed
    assert "nuclei, box: the model is" in printed
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert {name: one["n_objects"] for name, one in figures["columns"].items()} == {"nuclei": 2, "both": 3, "scenes": 3}
    assert set(figures["columns"]["both"]["mean_iou"]["1 click"]) >= {"model", "random walker", "flood fill"}
    with Image.open(tmp_path / "calibration.png") as plot:
        assert plot.format == "PNG"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is nothing to evaluate on"),
        (["--nuclei", "."], "holds no pictures to use"),
        (["--scenes", "none"], "'none' is no number of things"),
        (["--scenes", "0"], "'0' is no number of things"),
        (["--data", "photos"], "'photos' is no data set: give NAME=PATH"),
        (["--data", "mine=nowhere"], "nowhere doesn't exist"),
        (["--data", "mine=here,colour=red"], "'colour' isn't known"),
        (["--data", "mine=here,share=much"], "is no data set"),
        (["--data", "mine=here,part=0:0:2:1"], "makes no sense"),
    ],
    ids=[
        *("no data", "empty folder", "no number", "zero", "no name"),
        *("no such place", "unknown word", "share is no number", "no such part"),
    ],
)
def test_bad_input_gives_one_line(
    words: list[str], message: str, nuclei: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_folder = [word.replace("FOLDER", str(nuclei)) for word in words]
    try:
        code = main(["evaluate", *with_folder])
    except SystemExit as stopped:  # argparse's way out
        code = stopped.code
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
