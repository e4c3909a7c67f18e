"""The model against the best tool of the same prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sam_backend.evaluation.column import Column
from sam_backend.training.prompted_iou import MODEL, NO_PROMPT, Row


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model's margin in one column with one prompt."""

    best_tool: Row
    """Of those with this prompt and those that need none."""

    margin: float
    """Mean IoU of the model minus that of the tool: positive where the model is better."""

    standard_error: float
    """Of the margin, over objects, pairwise; NaN for a single object. Objects of one picture are no independent
    draws, so it is rather too small."""


def prompts_of(columns: Iterable[Column]) -> list[str]:
    """Every prompt of the rows, in their order, ``no prompt`` last."""
    prompts = dict.fromkeys(row.prompt for column in columns for row in column.iou)
    return sorted(prompts, key=lambda prompt: prompt == NO_PROMPT)


def rows_of(columns: Iterable[Column], prompt: str) -> list[Row]:
    """Every row of a prompt, the model's before the tools'."""
    return list(dict.fromkeys(row for column in columns for row in column.iou if row.prompt == prompt))


def is_tool(row: Row) -> bool:
    """Whether a row isn't the model's, nor a choice among its masks."""
    return row.by.partition(",")[0] != MODEL


def best_tool(column: Column, prompts: Sequence[str]) -> Row | None:
    """The tool of the highest mean IoU among those with these prompts, if there is any."""
    tools = [row for row in column.iou if is_tool(row) and row.prompt in prompts]
    return max(tools, key=column.mean_iou, default=None)


def compare(column: Column, prompt: str) -> Comparison | None:
    """The model beside the best tool; None where either is missing."""
    model, tool = Row(prompt, MODEL), best_tool(column, (prompt, NO_PROMPT))
    if model not in column.iou or tool is None:
        return None
    difference = column.iou[model] - column.iou[tool]
    n = len(difference)
    return Comparison(
        best_tool=tool,
        margin=float(difference.mean()),
        standard_error=float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
    )
