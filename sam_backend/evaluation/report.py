"""Everything that an evaluation found, as JSON and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.evaluation.calibration import Calibration, calibrate
from sam_backend.evaluation.column import Column
from sam_backend.evaluation.comparison import Comparison, compare, prompts_of, rows_of
from sam_backend.evaluation.table import format_margins, format_table
from sam_backend.training.prompted_iou import MODEL, Row


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A model's columns and how they came about."""

    model: str
    """Name and hash of the weights."""

    columns: Sequence[Column]
    """At least one."""

    max_objects: int | None
    """Objects drawn of each data set at most."""

    seed: int
    """Of the draw."""

    def to_text(self) -> str:
        """The table, the margins and the calibration, in Markdown."""
        draw = "all objects" if self.max_objects is None else f"at most {self.max_objects} objects, seed {self.seed}"
        return "\n\n".join(
            part
            for part in (
                f"{self.model}: mean IoU per mask ({draw}; the numbers of objects stand behind the names)",
                format_table(self.columns),
                format_margins(self.columns),
                "\n".join(_describe(column.name, calibration_of([column])) for column in self.columns),
            )
            if part
        )

    def to_json(self) -> dict[str, object]:
        """All figures as JSON takes them."""
        return {
            "model": self.model,
            "max_objects": self.max_objects,
            "seed": self.seed,
            "columns": {column.name: _column_to_json(column) for column in self.columns},
            "calibration": calibration_of(self.columns).to_json(),
        }


def calibration_series(
    columns: Sequence[Column],
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Predicted and true IoU (n,) of the model's masks by prompt, of all columns together.

    The masks are those that a user is shown: the single mask of a box or several clicks, the trusted one of a click.
    """
    rows = [Row(prompt, MODEL) for prompt in prompts_of(columns)]
    shown = [row for row in rows if all(row in column.predicted_iou for column in columns)]
    predicted = {row.prompt: np.concatenate([column.predicted_iou[row] for column in columns]) for row in shown}
    true = {row.prompt: np.concatenate([column.iou[row] for column in columns]) for row in shown}
    return predicted, true


def calibration_of(columns: Sequence[Column]) -> Calibration:
    """Calibration of all masks that a user is shown, every prompt and column together."""
    predicted, true = calibration_series(columns)
    return calibrate(np.concatenate(list(predicted.values())), np.concatenate(list(true.values())))


def _column_to_json(column: Column) -> dict[str, object]:
    prompts = prompts_of([column])
    predicted, true = calibration_series([column])
    return {
        "n_pictures": column.n_pictures,
        "n_objects": column.n_objects,
        "mean_iou": {prompt: {row.by: column.mean_iou(row) for row in rows_of([column], prompt)} for prompt in prompts},
        "model_against_best_tool": {
            prompt: _comparison_to_json(found) for prompt in prompts if (found := compare(column, prompt)) is not None
        },
        "calibration": {
            "all": calibration_of([column]).to_json(),
            **{prompt: calibrate(predicted[prompt], true[prompt]).to_json() for prompt in predicted},
        },
    }


def _comparison_to_json(found: Comparison) -> dict[str, object]:
    return {
        "tool": found.best_tool.by,
        "margin": found.margin,
        "standard_error": None if np.isnan(found.standard_error) else found.standard_error,
    }


def _describe(name: str, found: Calibration) -> str:
    pearson, spearman = ("-" if value is None else f"{value:.2f}" for value in (found.pearson, found.spearman))
    return (
        f"{name}: predicted against true IoU: correlation {pearson} (Pearson), {spearman} (Spearman), "
        f"calibration error {found.expected_error:.3f}, bias {found.bias:+.3f}, {found.n} masks"
    )
