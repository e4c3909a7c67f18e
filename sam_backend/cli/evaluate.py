"""``evaluate``: mean IoU on the held-out nuclei, beside what needs no model."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from sam_backend.cli.arguments import add_model, load_model
from sam_backend.evaluation.box_iou import Scores, mean_scores, score_objects
from sam_backend.training.data.label_folder import LabelFolder, held_out_nuclei
from sam_backend.training.data.subset import only


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("evaluate", help="mean IoU on the held-out nuclei")
    parser.add_argument("--nuclei", type=Path, required=True, help="folder of BBBC038v1: images/ and labels/")
    add_model(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score every held-out nucleus and print the means."""
    folder = only(LabelFolder(arguments.nuclei), held_out_nuclei())
    predictor = load_model(arguments)
    scores = score_objects(predictor, map(folder.read, folder.names))
    mean = mean_scores(scores)
    print(f"{predictor.name}: mean IoU of {len(scores)} nuclei in {len(folder.names)} held-out pictures")
    for field in fields(Scores):
        print(f"  {field.name.replace('_', ' '):<22}{getattr(mean, field.name):.3f}")
    return 0
