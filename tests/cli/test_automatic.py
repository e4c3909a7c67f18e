import errno
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.__main__ import main
from sam_backend.masks.rle_coco import decode_coco_rle
from sam_backend.predict.automatic.generator import generate
from sam_backend.predict.automatic.options import OPTION_NAMES, AutomaticOptions
from sam_backend.predict.picture import read_picture
from sam_backend.predict.predictor import Predictor

Run = Callable[..., int]
LENIENT = ("--points-per-side", 2, "--pred-iou-thresh", 0, "--stability-score-thresh", 0, "--box-nms-thresh", 1)
LENIENT_OPTIONS = AutomaticOptions(
    points_per_side=2, pred_iou_thresh=0.0, stability_score_thresh=0.0, box_nms_thresh=1.0
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("sa_1.png", "sa_2.jpg"):
        Image.fromarray(rng.integers(0, 256, (50, 90, 3), np.uint8)).save(folder / name)
    return folder


@pytest.fixture
def run(tiny_checkpoint: Path) -> Run:
    def call(*words: object) -> int:
        return main(["automatic", *map(str, words), "--checkpoint", str(tiny_checkpoint), "--device", "cpu"])

    return call


def test_json_holds_the_masks_as_sa1b_does(run: Run, folder: Path, tiny_predictor: Predictor, tmp_path: Path) -> None:
    assert run(folder / "sa_1.png", "-o", tmp_path / "out.json", *LENIENT) == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["image"] == {"image_id": 1, "width": 90, "height": 50, "file_name": "sa_1.png"}
    records = generate(tiny_predictor, read_picture(folder / "sa_1.png"), LENIENT_OPTIONS)
    assert records
    assert len(content["annotations"]) == len(records)
    for found, record in zip(content["annotations"], records, strict=True):
        np.testing.assert_array_equal(decode_coco_rle(found["segmentation"]), record.runs.to_mask())


def test_a_picture_into_a_folder_takes_its_name(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder / "sa_2.jpg", "-o", tmp_path, *LENIENT) == 0
    assert json.loads((tmp_path / "sa_2.json").read_text())["image"]["file_name"] == "sa_2.jpg"


def test_png_shows_the_masks(
    run: Run, folder: Path, tiny_predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    assert run(folder / "sa_1.png", "-o", out, *LENIENT) == 0
    image, drawn = read_picture(folder / "sa_1.png"), read_picture(out)
    records = generate(tiny_predictor, image, LENIENT_OPTIONS)
    covered = np.any([record.runs.to_mask() for record in records], axis=0)
    assert drawn.shape == image.shape
    np.testing.assert_array_equal(drawn[~covered], image[~covered])
    assert (drawn[covered] != image[covered]).any(axis=1).mean() > 0.9
    assert f"{len(records)} masks\n" in capsys.readouterr().out


def test_a_time_budget_is_said_to_have_cut_the_run(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--time-budget", 0, "--points-per-batch", 1)
    assert run(folder / "sa_1.png", "-o", tmp_path / "out.json", *LENIENT, *words) == 0
    assert "masks, as far as 0 seconds allowed" in capsys.readouterr().out


def test_a_folder_gives_a_file_for_each_picture_and_one_for_all(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks"
    assert run(folder, "-o", out, *LENIENT) == 0
    assert sorted(path.name for path in out.iterdir()) == ["coco.json", "made-with.json", "sa_1.json", "sa_2.json"]
    coco = json.loads((out / "coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["sa_1.png", "sa_2.jpg"]
    n_masks = [len(json.loads((out / f"sa_{number}.json").read_text())["annotations"]) for number in (1, 2)]
    assert [one["image_id"] for one in coco["annotations"]] == [1] * n_masks[0] + [2] * n_masks[1]


def test_what_is_finished_is_kept_when_a_folder_is_run_again(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "masks"
    run(folder, "-o", out, *LENIENT)
    before = (out / "sa_1.json").stat().st_mtime_ns
    (out / "sa_2.json").unlink()
    (out / "sa_2.json.unfinished").write_text("cut o")
    capsys.readouterr()
    assert run(folder, "-o", out, *LENIENT) == 0
    assert (out / "sa_1.json").stat().st_mtime_ns == before
    assert json.loads((out / "sa_2.json").read_text())["annotations"]
    assert "2 pictures, 1 of them from before; 0 bad" in capsys.readouterr().out


def test_a_folder_keeps_to_what_its_masks_were_made_with(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "masks"
    run(folder, "-o", out, *LENIENT)
    (out / "sa_2.json").unlink()
    assert run(folder, "-o", out, *LENIENT, "--points-per-side", 3, "--max-masks", 2) == 2
    said = capsys.readouterr().err
    assert "made with points_per_side 2, max_masks None, not points_per_side 3, max_masks 2: choose another" in said
    assert not (out / "sa_2.json").exists()
    assert run(folder, "-o", out, *LENIENT, "--points-per-batch", 1) == 0  # the same masks in smaller batches
    assert (out / "sa_2.json").exists()


def test_a_folder_keeps_to_its_model(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "masks"
    run(folder, "-o", out, *LENIENT)
    assert main(["automatic", str(folder), "-o", str(out), *map(str, LENIENT), "--device", "cpu"]) == 2
    assert "is for masks made with model tiny-" in capsys.readouterr().err


def test_a_copy_of_the_weights_is_the_same_model(
    run: Run, folder: Path, tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, copy = tmp_path / "masks", tmp_path / "my-copy.pth"
    run(folder, "-o", out, *LENIENT)
    copy.write_bytes(tiny_checkpoint.read_bytes())
    words = ["automatic", str(folder), "-o", str(out), "--checkpoint", str(copy), "--device", "cpu"]
    assert main([*words, *map(str, LENIENT)]) == 0
    capsys.readouterr()
    assert main([*words, *map(str, LENIENT), "--max-masks", "2"]) == 2
    assert "is for masks made with max_masks None, not max_masks 2: choose another" in capsys.readouterr().err
    assert json.loads((out / "made-with.json").read_text())["model"].startswith("tiny-")


def test_pictures_of_another_folder_keep_to_it_too(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, others = tmp_path / "masks", tmp_path / "others"
    run(folder, "-o", out, *LENIENT)
    others.mkdir()
    (folder / "sa_1.png").rename(others / "sa_9.png")
    assert run(others, "-o", out, *LENIENT, "--points-per-side", 3) == 2
    assert "is for masks made with points_per_side 2, not points_per_side 3" in capsys.readouterr().err
    assert run(others, "-o", out, *LENIENT) == 0


def test_a_run_stopped_before_its_first_mask_binds_nobody(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "masks"
    run(folder, "-o", out, *LENIENT)
    for number in (1, 2):
        (out / f"sa_{number}.json").unlink()
    assert run(folder, "-o", out, *LENIENT, "--points-per-side", 3) == 0
    assert run(folder, "-o", out, *LENIENT) == 2


def test_a_damaged_recipe_is_named(run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "masks"
    run(folder, "-o", out, *LENIENT)
    (out / "made-with.json").write_text("[1]")
    assert run(folder, "-o", out, *LENIENT) == 2
    assert "made-with.json doesn't tell what the masks beside it were made with" in capsys.readouterr().err


def test_json_of_other_programs_counts_for_no_masks(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "masks"
    out.mkdir()
    (out / "about.json").write_text('{"photographer": "Ann"}')
    (out / "more.json").mkdir()
    assert run(folder, "-o", out, *LENIENT) == 0
    (out / "sa_2.json").unlink()
    assert run(folder, "-o", out, *LENIENT, "--points-per-side", 3) == 2
    assert "is for masks made with points_per_side 2, not points_per_side 3" in capsys.readouterr().err


def test_masks_without_a_recipe_are_left_alone(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "masks"
    run(folder, "-o", out, *LENIENT)
    (out / "made-with.json").unlink()
    (out / "sa_2.json").unlink()
    assert run(folder, "-o", out, *LENIENT, "--points-per-side", 3) == 0
    assert not (out / "made-with.json").exists()
    assert "holds masks without made-with.json, which says how they were made: taken as" in capsys.readouterr().out


def test_no_model_is_loaded_where_nothing_is_to_do(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, "-o", tmp_path / "masks", *LENIENT)
    monkeypatch.setattr("sam_backend.cli.automatic.load_model", lambda _: pytest.fail("it was loaded"))
    assert run(folder, "-o", tmp_path / "masks", *LENIENT) == 0


def test_a_bad_file_is_named_and_skipped(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "sa_0.png").write_text("text")
    assert run(folder, "-o", tmp_path / "masks", *LENIENT) == 1
    answer = capsys.readouterr()
    assert "skipped sa_0.png: sa_0.png is no picture" in answer.err
    assert "2 pictures, 0 of them from before; 1 bad" in answer.out
    assert not (tmp_path / "masks" / "sa_0.json").exists()
    coco = json.loads((tmp_path / "masks" / "coco.json").read_text())
    assert [image["id"] for image in coco["images"]] == [1, 2]


def test_a_preset_can_be_changed(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run(folder / "sa_1.png", "-o", out, "--preset", "proposals", "--points-per-side", 2, "--max-masks", 4) == 0
    assert 1 <= len(json.loads(out.read_text())["annotations"]) <= 4


def test_every_option_has_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["automatic", "--help"])
    text = capsys.readouterr().out
    for name in OPTION_NAMES:
        if name != "point_grids":  # arrays: for Python only
            assert f"--{name.removesuffix('_s').replace('_', '-')}" in text


BAD_WORDS = {
    "percent": (["sa_1.png", "-o", "out.json", "--pred-iou-thresh", "88"], "pred_iou_thresh is a number from 0 to 1"),
    "ending": (["sa_1.png", "-o", "out.txt"], "should end in .json or .png, or be a folder that exists"),
    "missing folder": (["sa_1.png", "-o", "missing/out.json"], "lies in a folder that doesn't exist: make it first"),
    "folder into a file": ([".", "-o", "out.json"], "is a folder, so the output is one too"),
    "missing picture": (["sa_3.png", "-o", "out.json"], "sa_3.png can't be opened"),
}


@pytest.mark.parametrize(("words", "sentence"), BAD_WORDS.values(), ids=BAD_WORDS.keys())
def test_bad_words_give_one_line_and_code_2(
    words: list[str],
    sentence: str,
    run: Run,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert run(*words) == 2
    assert_one_line(capsys.readouterr().err, sentence)


@pytest.mark.parametrize("output", ["sa_1.png", "./sa_1.png", "link.png"])
def test_the_picture_itself_is_no_output(
    output: str, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    Path("link.png").symlink_to("sa_1.png")
    before = Path("sa_1.png").read_bytes()
    assert run("sa_1.png", "-o", output, *LENIENT) == 2
    assert_one_line(
        capsys.readouterr().err, f"the output {Path(output)} would replace the picture sa_1.png: give another"
    )
    assert Path("sa_1.png").read_bytes() == before


@pytest.mark.parametrize(("source", "output"), [(".", "sa_1.png/out"), ("sa_1.png", "out.json")])
def test_a_place_that_cannot_be_written_is_said(
    source: str,
    output: str,
    run: Run,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    Path("out.json.unfinished").mkdir()  # in the way of the file to be
    assert run(source, "-o", output, *LENIENT) == 2
    assert_one_line(capsys.readouterr().err, "can't be read or written (")


def test_a_full_disk_is_said(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Path, "write_bytes", fails_with(OSError(errno.ENOSPC, "No space left on device")))
    assert run(folder / "sa_1.png", "-o", tmp_path / "out.json", *LENIENT) == 2
    assert_one_line(
        capsys.readouterr().err, "there is no room for what is written (No space left on device): make some"
    )


@pytest.mark.parametrize(
    "error", [OSError("of ours"), BrokenPipeError(errno.EPIPE, "Broken pipe")], ids=["own", "pipe"]
)
def test_errors_about_no_file_keep_their_trace(
    error: OSError, run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", fails_with(error))
    with pytest.raises(OSError, match=re.escape(str(error))):
        run(folder / "sa_1.png", "-o", tmp_path / "out.json", *LENIENT)


def fails_with(error: OSError) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_folder_without_pictures_is_said(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "-o", tmp_path / "masks") == 2
    assert_one_line(capsys.readouterr().err, "has no picture: .bmp, .gif")


@pytest.mark.parametrize("name", ["sa_1.jpg", "coco.png"])
def test_two_outputs_of_one_name_are_refused(
    name: str, run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (9, 9)).save(folder / name)
    assert run(folder, "-o", tmp_path / "masks") == 2
    assert_one_line(capsys.readouterr().err, "would both be written to")


FOREIGN = {
    "other keys": '{"shapes": []}',
    "an empty image": '{"image": {}, "annotations": [{"segmentation": [[1, 2, 3, 4, 5, 6]]}]}',
    "polygons": '{"image": {"file_name": "a", "width": 9, "height": 9}, "annotations": [{"segmentation": [[1, 2]], '
    '"area": 1, "predicted_iou": 1, "stability_score": 1}]}',
    "an image's name": '{"image": "a.png", "annotations": []}',
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_in_the_place_of_masks_is_named_before_the_model_runs(
    text: str, run: Run, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sa_2.json").write_text(text)
    monkeypatch.setattr("sam_backend.cli.automatic.load_model", lambda _: pytest.fail("it was loaded"))
    assert run(folder, "-o", folder, *LENIENT) == 2
    assert_one_line(capsys.readouterr().err, "sa_2.json isn't a file of masks as SA-1B has them")
    assert not (folder / "made-with.json").exists()


def assert_one_line(text: str, sentence: str) -> None:
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert sentence in text
