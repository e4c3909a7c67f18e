import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sam_backend.__main__ import main
from sam_backend.model.checkpoint import load_network
from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.variants import EMBEDDED
from sam_backend.training import start
from sam_backend.training.data.label_folder import held_out_nuclei
from tests.training.small_networks import new_network


@pytest.fixture
def labels() -> np.ndarray:
    y, x = np.mgrid[:64, :80]
    return ((x - 30) ** 2 + (y - 30) ** 2 < 200).astype(np.uint16) + 2 * ((x - 60) ** 2 + (y - 40) ** 2 < 100).astype(
        np.uint16
    )


@pytest.fixture
def pictures(labels: np.ndarray, tmp_path: Path) -> Path:
    """A folder with three pictures, one of them a held-out nuclei picture by its name."""
    folder = tmp_path / "pictures"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for name in ("seen", "other", min(held_out_nuclei())):
        Image.fromarray((labels > 0).astype(np.uint8) * 200).save(folder / "images" / f"{name}.png")
        Image.fromarray(labels).save(folder / "labels" / f"{name}.png")
    return folder


def test_evaluate_prints_the_table_of_the_held_out_part(
    pictures: Path, labels: np.ndarray, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    words = ["evaluate", "--nuclei", str(pictures), "--checkpoint", str(tiny_checkpoint), "--json", str(figures)]
    assert main(words) == 0
    shares = [(labels == label).sum() / side**2 for label, side in ((1, 29), (2, 19))]
    row = next(line for line in capsys.readouterr().out.splitlines() if "filled box" in line)
    assert f"{np.mean(shares):.3f}" in row
    assert json.loads(figures.read_text())


def test_the_same_words_give_train_and_evaluate_the_two_parts(
    pictures: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    names, figures = tmp_path / "names.txt", tmp_path / "figures.json"
    names.write_text("# judging\nother\n")
    for spec, n_objects in ((f"{pictures},without={names}", 2), (str(pictures), 6), (f"{pictures},held-out=0", 6)):
        words = ["evaluate", "--data", f"mine={spec}", "--data", f"mine={spec}", "--json", str(figures)]
        assert main([*words, "--checkpoint", str(tiny_checkpoint)]) == 0
        column = json.loads(figures.read_text())["columns"]["mine"]
        assert column["n_objects"] == 2 * n_objects  # sets of one name are joined


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "mine"], "is no data set: give NAME=PATH"),
        (["--data", "mine=nowhere"], "nowhere doesn't exist"),
        (["--data", "mine=here,colour=red"], "'colour' isn't known"),
        (["--data", "mine=here,share=much"], "is no data set"),
        (["--data", "mine=here,part=0:0:2:1"], "makes no sense"),
        ([], "there is nothing to evaluate on"),
    ],
    ids=["no name", "no such place", "unknown word", "no number", "no such part", "nothing"],
)
def test_evaluate_without_sense_gives_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: int | str | None = main(["evaluate", *words])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_train_goes_on_from_weights_and_resumes(
    pictures: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    words = ["train", "--data", f"{pictures},held-out=0.5", "--scenes", "0.2", "--init", str(tiny_checkpoint)]
    words += ["--preset", "small", "--steps", "2", "--tensorboard", "-o", str(run)]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "weights learn (100.0%)" in printed.out
    assert f"wrote {run / 'last.pth'} and {run / 'best.pth'}" in printed.out
    assert "2/2" in printed.err
    assert load_network(str(run / "last.pth")).image_size == 64
    assert {path.name for path in run.iterdir()} == {
        *("settings.json", "origin.json", "state.pt", "last.pth", "best.pth", "predictions", "tensorboard")
    }
    written = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    assert main(words) == 2
    assert f"{run} holds state.pt of another run: add --resume to go on with it" in capsys.readouterr().err
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == written
    assert main([*words, "--resume"]) == 0
    (run / "settings.json").unlink()
    assert main([*words, "--resume"]) == 2
    assert "settings.json, which says how the run was begun, can't be read (No such file" in capsys.readouterr().err
    assert main([*words[:-2], "-o", str(tmp_path / "new"), "--resume"]) == 2
    assert "leave out --resume to begin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "learns"),
    [
        (["--trained", "decoder"], "prompt encoder"),
        (["--lora-rank", "2"], "LoRA of rank 2"),
        (["--trained", "decoder", "--cached", "embeddings"], "prompt encoder"),
    ],
    ids=["decoder", "lora", "cached"],
)
def test_train_fine_tunes_a_part(
    words: list[str],
    learns: str,
    pictures: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--data", str(pictures), "--held-out", "0", "--init", str(tiny_checkpoint), "--steps", "2"]
    assert main([*command, *words, "-o", "run"]) == 0
    assert learns in capsys.readouterr().out
    before, after = load_network(str(tiny_checkpoint)).state_dict(), load_network("run/last.pth").state_dict()
    assert before.keys() == after.keys()
    moved = {name.split(".")[0] for name in before if (before[name] - after[name]).abs().max() > 2e-3}
    assert moved <= {"prompt_encoder", "mask_decoder"}


def test_train_resumes_with_the_same_data_hold_out_and_first_weights_only(
    pictures: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names, other_init = tmp_path / "names.txt", tmp_path / "other.pth"
    names.write_text("other\n")
    other = load_network(str(tiny_checkpoint)).state_dict()
    other["mask_decoder.iou_token.weight"] += 1
    torch.save(other, other_init)
    spec = f"{pictures},held-out=0,without={names}"
    words = ["train", "--steps", "1", "-o", str(tmp_path / "run")]
    begun = [*words, "--init", str(tiny_checkpoint), "--data"]
    assert main([*begun, spec]) == 0
    for changed, named in {
        (*begun, f"{pictures},held-out=0"): "data",
        (*begun, spec, "--data", str(pictures)): "data",
        (*begun, spec, "--scenes", "0.5"): "scenes",
        (*begun, spec, "--held-out", "0.5"): "held_out_share",
        (*words, "--init", str(other_init), "--data", spec): "init",
    }.items():
        assert main([*changed, "--resume"]) == 2
        assert f"error: the run was begun with {named} = " in capsys.readouterr().err
    monkeypatch.chdir(pictures.parent)
    assert main([*begun, f"{pictures.name},without={names},held-out=0", "--resume"]) == 0
    names.write_text("seen\n")
    assert main([*begun, spec, "--resume"]) == 2
    assert "begun with held_out_pictures = '1 of SHA-256 " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "moves_encoder"),
    [([], True), (["--trained", "decoder"], False), (["--trained", "decoder", "--cached", "embeddings"], False)],
    ids=["everything", "decoder", "cached"],
)
def test_lora_goes_where_trained_says_and_the_norms_with_it(
    words: list[str], moves_encoder: bool, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(new_network("vit").state_dict(), "vit.pth")
    command = ["train", "--init", "vit.pth", "--data", str(pictures), "--held-out", "0", "--lora-rank", "2", *words]
    assert main([*command, "--steps", "3", "--learning-rate", "0.01", "-o", "run"]) == 0
    before, after = load_network("vit.pth").state_dict(), load_network("run/last.pth").state_dict()
    moved = {name for name in before if not torch.equal(before[name].half(), after[name].half())}
    assert {name.partition(".")[0] for name in moved} == {"mask_decoder", *(["image_encoder"] if moves_encoder else [])}
    assert ("image_encoder.blocks.0.norm1.weight" in moved) == moves_encoder
    assert "mask_decoder.transformer.norm_final_attn.weight" in moved


def test_train_goes_on_without_damaged_held_out_pictures(
    pictures: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, run = tmp_path / "names.txt", tmp_path / "run"
    names.write_text("other\nseen\n")
    words = ["train", "--data", f"{pictures},held-out=0,without={names}", "--init", str(tiny_checkpoint)]
    words += ["--steps", "1", "-o", str(run)]
    (pictures / "images" / "other.png").write_bytes(b"broken")
    assert main(words) == 0
    assert "mean IoU of 2 held-out objects" in (printed := capsys.readouterr().out)
    assert "pictures skipped as damaged: 1" in printed


def test_train_says_at_once_that_held_out_pictures_cannot_judge(
    pictures: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names, run = tmp_path / "names.txt", tmp_path / "run"
    names.write_text("other\n")
    (pictures / "images" / "other.png").write_bytes(b"broken")
    words = ["train", "--data", f"{pictures},held-out=0,without={names}", "--init", str(tiny_checkpoint)]
    assert main([*words, "--steps", "1", "-o", str(run)]) == 2
    assert "show no object to judge by (1 of 1 are damaged, e.g. other:" in capsys.readouterr().err
    assert not run.exists()


def test_train_begins_a_new_network(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = SamConfig(ConvConfig(64, (8, 8, 16, 16), (1, 1, 1, 1), 32), 2, 32, 32, draws_prompts=True)
    monkeypatch.setitem(start.NEW_NETWORKS, "small", tiny)
    monkeypatch.setattr(start, "N_POINTING_STEPS", 2)
    words = ["train", "--data", str(pictures), "--seeing-steps", "2", "--steps", "1", "-o", str(tmp_path / "run")]
    assert main(words) == 0
    assert "learning the basics: to point, then 2 steps of seeing" in capsys.readouterr().out
    assert load_network(str(tmp_path / "run" / "last.pth")).image_size == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "finetune"], "goes on from other weights: say which with --init"),
        (["--cached", "here", "--preset", "small"], "use it with --init, --trained decoder and --data only"),
        ([], "nothing to learn from"),
        (["--steps", "0"], "n_steps is 0"),
        (["--data", "nowhere"], "nowhere doesn't exist"),
    ],
    ids=["fine-tune nothing", "cache a moving encoder", "no data", "no steps", "no such place"],
)
def test_train_without_sense_gives_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = SamConfig(ConvConfig(64, (8, 8, 16, 16), (1, 1, 1, 1), 32), 2, 32, 32, draws_prompts=True)
    monkeypatch.setitem(start.NEW_NETWORKS, "small", tiny)
    assert main(["train", *words, "-o", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed", "-1"], "'-1' is no seed: give a whole number from 0 to 9223372036854775807"),
        (["--seed", str(2**63)], "is no seed"),
        (["--data", "here,share=0"], "a share of the samples is a number above 0, got 0"),
        (["--cutouts", "here,share=-1"], "a share of the samples is a number above 0, got -1"),
        (["--data", "here,share=nan"], "a share of the samples is a number above 0, got nan"),
        (["--scenes", "-0.5"], "'-0.5' is no share of the samples: give a number above 0, or 0 for none"),
        (["--scenes", "some"], "'some' is no share"),
    ],
    ids=["negative seed", "huge seed", "no share", "negative share", "unknown share", "negative scenes", "some scenes"],
)
def test_numbers_that_make_no_sense_give_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "--init", "embedded", *words, "-o", "run"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_embedded_network_is_small() -> None:
    assert sum(parameter.numel() for parameter in Sam(EMBEDDED).parameters()) < 8e6
