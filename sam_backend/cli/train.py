"""``train``: a small network from nothing, on labelled pictures and generated scenes."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import numpy as np
import torch

from sam_backend.model.sam import Sam
from sam_backend.model.variants import EMBEDDED
from sam_backend.training.data.label_folder import LabelFolder, held_out_nuclei
from sam_backend.training.data.subset import without
from sam_backend.training.initialise import initialise
from sam_backend.training.pointing import teach_pointing
from sam_backend.training.rounds import LessonReport
from sam_backend.training.sample import SampleSource
from sam_backend.training.synthetic.scenes import GeneratedScenes
from sam_backend.training.trainer import Trainer, TrainingPlan, save_weights
from sam_backend.training.windows import WindowSource

SCENES_SHARE = 0.3
N_POINTING_STEPS = 150
MODEL_SIZE_PX = 1024


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("train", help="train a small network from nothing")
    parser.add_argument("--nuclei", type=Path, help="folder of BBBC038v1: images/NAME.png and labels/NAME.png")
    parser.add_argument("--steps", type=int, default=1700, help="steps of two pictures each (default 1700)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on from OUT.state where it was left")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.pth")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, then write the averaged weights."""
    plan = TrainingPlan(n_steps=arguments.steps, seed=arguments.seed)
    state_file = arguments.output.with_suffix(".state")
    resumed = arguments.resume and state_file.exists()
    trainer = Trainer(_new_network(plan.seed, untaught=resumed), _sources(arguments.nuclei), plan)
    if resumed:
        trainer.load_state(state_file)
    trainer.run(state_file, report=_Progress(plan))
    save_weights(trainer.average, arguments.output)
    print(f"wrote {arguments.output}")
    return 0


def _new_network(seed: int, untaught: bool) -> Sam:
    torch.manual_seed(seed)
    network = Sam(EMBEDDED)
    initialise(network)
    if not untaught:
        print(f"learning to point: {N_POINTING_STEPS} steps on blank pictures", flush=True)
        teach_pointing(network.train(), n_steps=N_POINTING_STEPS, n_masks=24, seed=seed)
    return network


def _sources(nuclei: Path | None) -> list[tuple[SampleSource, float]]:
    if nuclei is None:
        return [(GeneratedScenes(), 1.0)]
    return [
        (GeneratedScenes(), SCENES_SHARE),
        (WindowSource(without(LabelFolder(nuclei), held_out_nuclei()), MODEL_SIZE_PX), 1 - SCENES_SHARE),
    ]


class _Progress:
    """Prints a line every so often: averages since the last one, and the time left."""

    def __init__(self, plan: TrainingPlan, every_n_steps: int = 20) -> None:
        self._plan = plan
        self._every_n_steps = every_n_steps
        self._lessons: list[LessonReport] = []
        self._seconds: list[float] = []

    def __call__(self, n_steps_done: int, lessons: list[LessonReport], seconds: float) -> None:
        self._lessons += lessons
        self._seconds.append(seconds)
        if n_steps_done % self._every_n_steps and n_steps_done != self._plan.n_steps:
            return
        loss, first, last = np.mean([(one.loss, one.first_iou, one.last_iou) for one in self._lessons], axis=0)
        left_s = round((self._plan.n_steps - n_steps_done) * float(np.mean(self._seconds)))
        print(
            f"step {n_steps_done}/{self._plan.n_steps}  loss {loss:.3f}  IoU first {first:.3f} last {last:.3f}"
            f"  {datetime.timedelta(seconds=left_s)} left",
            flush=True,
        )
        self._lessons, self._seconds = [], []
