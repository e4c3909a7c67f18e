import copy
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from sam_backend.errors import CheckpointError, DatasetError, SettingsError, StorageError
from sam_backend.model.checkpoint import load_network
from sam_backend.model.sam import Sam
from sam_backend.training.lessons import WindowLessons
from sam_backend.training.reporting import ProgressBar, TensorBoard
from sam_backend.training.rounds import LessonReport
from sam_backend.training.run import RunEnd, RunFolder, run
from sam_backend.training.trainer import Trainer
from sam_backend.training.training_settings import TrainingSettings
from sam_backend.training.validation import Validation
from tests.training.one_picture import TwoBlobs
from tests.training.tiny_settings import TINY, tiny


def new_trainer(network: Sam, settings: TrainingSettings = TINY) -> Trainer:
    lessons = WindowLessons(network, [(TwoBlobs(), 1.0)], settings.windows)
    return Trainer(copy.deepcopy(network), lessons, settings)


def weights(network: Sam) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


class Diary:
    """A reporter that remembers, and may press Ctrl-C."""

    def __init__(self, stops_after: int | None = None) -> None:
        self.steps: list[int] = []
        self.judged: list[int] = []
        self._stops_after = stops_after

    def step(self, n_steps_done: int, learning_rate: float, lessons: Sequence[LessonReport]) -> None:
        assert learning_rate > 0
        assert len(lessons) == TINY.pictures_per_step
        self.steps.append(n_steps_done)
        if n_steps_done == self._stops_after:
            os.kill(os.getpid(), signal.SIGINT)

    def validation(self, n_steps_done: int, validation: Validation) -> None:
        self.judged.append(n_steps_done)

    def close(self) -> None:
        pass


class FallingJudge:
    """Likes each network less than the one before."""

    def __init__(self) -> None:
        self.iou = 0.9

    def judge(self, network: Sam) -> Validation:
        self.iou -= 0.1
        return Validation(self.iou, self.iou, 1, Image.new("RGB", (8, 8)))


def test_a_run_leaves_its_files(network: Sam, tmp_path: Path) -> None:
    folder, diary = RunFolder(tmp_path / "new"), Diary()
    trainer = new_trainer(network)
    assert run(trainer, TINY, folder, reporters=[diary], validator=FallingJudge()) == RunEnd(True, has_best=True)
    assert diary.steps == [1, 2, 3, 4, 5, 6]
    assert diary.judged == [3, 6]
    assert TrainingSettings.from_json(folder.settings.read_text()) == TINY
    assert sorted(path.name for path in (tmp_path / "new" / "predictions").iterdir()) == [
        "step_000003.png",
        "step_000006.png",
    ]
    torch.testing.assert_close(weights(load_network(str(folder.last))), weights(trainer.average), rtol=1e-3, atol=1e-3)


def test_the_best_weights_are_kept_even_over_a_resumption(network: Sam, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    judge = FallingJudge()
    run(new_trainer(network), TINY, folder, reporters=[Diary(stops_after=4)], validator=judge)
    best = weights(load_network(str(folder.best)))
    assert run(new_trainer(network), TINY, folder, validator=judge, resumes=True).is_done
    assert torch.equal(weights(load_network(str(folder.best))), best)
    assert not torch.equal(weights(load_network(str(folder.last))), best)


class FailingJudge(FallingJudge):
    """Fails at its first judgement."""

    def __init__(self) -> None:
        super().__init__()
        self.n_asked = 0

    def judge(self, network: Sam) -> Validation:
        self.n_asked += 1
        if self.n_asked == 1:
            raise DatasetError("the disk of the held-out pictures is gone")
        return super().judge(network)


def test_what_was_learnt_outlives_a_judgement_that_fails(network: Sam, tmp_path: Path) -> None:
    folder, judge, diary = RunFolder(tmp_path), FailingJudge(), Diary()
    with pytest.raises(DatasetError, match="the disk of the held-out pictures is gone"):
        run(new_trainer(network), TINY, folder, validator=judge)
    resumed = new_trainer(network)
    assert run(resumed, TINY, folder, reporters=[diary], validator=judge, resumes=True).is_done
    assert diary.steps == [4, 5, 6]
    assert diary.judged == [3, 6]  # what was due is made up for
    whole = new_trainer(network)
    run(whole, TINY, RunFolder(tmp_path / "whole"))
    assert torch.equal(weights(resumed.network), weights(whole.network))
    run(new_trainer(network), TINY, folder, validator=judge, resumes=True)
    assert judge.n_asked == 3  # a run that is done and judged isn't judged again


def test_ctrl_c_saves_and_a_resumed_run_ends_as_if_nothing_had_happened(network: Sam, tmp_path: Path) -> None:
    whole, stopped, resumed = (new_trainer(network) for _ in range(3))
    run(whole, TINY, RunFolder(tmp_path / "whole"))
    end = run(stopped, TINY, RunFolder(tmp_path / "half"), reporters=[Diary(stops_after=3)])
    assert end == RunEnd(is_done=False, has_best=False)
    assert stopped.n_steps_done == 3
    assert run(resumed, TINY, RunFolder(tmp_path / "half"), resumes=True).is_done
    assert torch.equal(weights(resumed.network), weights(whole.network))
    assert torch.equal(weights(resumed.average), weights(whole.average))


@pytest.mark.parametrize("name", ["state.pt", "last.pth", "best.pth"])
def test_another_run_is_not_overwritten(name: str, network: Sam, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"of another run")
    cure = "add --resume to go on with it, or choose another folder" if name == "state.pt" else "choose another folder"
    with pytest.raises(SettingsError, match=f"holds {name} of another run: {cure}$"):
        run(new_trainer(network), TINY, RunFolder(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_best_weights_of_another_run_are_not_called_its_own(network: Sam, tmp_path: Path) -> None:
    run(new_trainer(network), TINY, RunFolder(tmp_path), reporters=[Diary(stops_after=2)])
    (tmp_path / "best.pth").write_bytes(b"of another run")
    assert run(new_trainer(network), TINY, RunFolder(tmp_path), resumes=True) == RunEnd(True, has_best=False)


def test_other_settings_are_not_resumed(network: Sam, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(new_trainer(network), TINY, folder)
    other = tiny(learning_rate=1.0)
    with pytest.raises(DatasetError, match=r"begun with learning_rate = 0\.0003, now 1\.0 is asked for"):
        run(new_trainer(network, other), other, folder, resumes=True)


def test_another_origin_is_not_resumed_and_none_need_be_known(network: Sam, tmp_path: Path) -> None:
    folder, asked = RunFolder(tmp_path), '{"data": ["cells"]}'
    run(new_trainer(network), TINY, folder, origin_json=asked, reporters=[Diary(stops_after=1)])
    with pytest.raises(
        DatasetError, match=r"begun with data = \['cells'\], now \['cats'\] .* what its origin\.json says"
    ):
        run(new_trainer(network), TINY, folder, origin_json='{"data": ["cats"]}', resumes=True)
    run(new_trainer(network), TINY, folder, origin_json=asked, reporters=[Diary(stops_after=2)], resumes=True)
    folder.origin.unlink()  # as in a run of an earlier version
    assert run(new_trainer(network), TINY, folder, origin_json='{"data": ["cats"]}', resumes=True).is_done


@pytest.mark.parametrize("text", [None, "no JSON", "[1]"], ids=["missing", "damaged", "no table"])
def test_a_run_whose_settings_are_not_known_is_not_resumed(text: str | None, network: Sam, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run(new_trainer(network), TINY, folder, reporters=[Diary(stops_after=1)])
    folder.settings.unlink() if text is None else folder.settings.write_text(text)
    with pytest.raises(CheckpointError, match=r"settings\.json.* put it back, or begin another run"):
        run(new_trainer(network), TINY, folder, resumes=True)


def test_a_folder_that_cannot_be_made_is_named(network: Sam, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/run can't be made \(Not a directory\): choose another one"):
        run(new_trainer(network), TINY, RunFolder(tmp_path / "file" / "run"))


def test_nothing_to_resume_is_said(network: Sam, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no .*state\.pt to go on from"):
        run(new_trainer(network), TINY, RunFolder(tmp_path), resumes=True)


def test_the_bar_of_a_resumed_run_counts_its_own_steps_only(
    network: Sam, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(new_trainer(network), TINY, RunFolder(tmp_path), reporters=[Diary(stops_after=3)])
    bar = ProgressBar(TINY.n_steps)
    run(new_trainer(network), TINY, RunFolder(tmp_path), reporters=[bar], resumes=True)
    assert bar.n_steps_shown == (3, 6)
    bar.close()
    assert "6/6" in capsys.readouterr().err


def test_the_bar_and_the_curves_tell_what_happens(
    network: Sam, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bar, board = ProgressBar(TINY.n_steps), TensorBoard(tmp_path / "curves")
    run(new_trainer(network), TINY, RunFolder(tmp_path), reporters=[bar, board], validator=FallingJudge())
    for reporter in (bar, board):
        reporter.close()
    shown = capsys.readouterr()
    assert "6/6" in shown.err
    assert "mIoU first" in shown.err
    assert "step 3: mean IoU of 1 held-out objects: box 0.800, one click 0.800" in shown.out
    curves = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator").EventAccumulator(
        str(tmp_path / "curves")
    )
    curves.Reload()
    assert [event.step for event in curves.Scalars("train/loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in curves.Scalars("held out/mean IoU, box")] == [3, 6]
    assert len(curves.Images("held out/predictions")) == 2
