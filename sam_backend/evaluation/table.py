"""The table for people: Markdown that reads well as plain text too."""

from __future__ import annotations

from collections.abc import Sequence

from sam_backend.evaluation.column import Column
from sam_backend.evaluation.comparison import best_tool, compare, is_tool, prompts_of, rows_of
from sam_backend.training.prompted_iou import MODEL, Row

MISSING = "-"


def format_table(columns: Sequence[Column]) -> str:
    """Mean IoU by row and column as a Markdown table.

    The best tool of each prompt is starred, the model bold where it beats that tool and those that need no prompt.
    """
    header = ["prompt", "by", *(f"{column.name} ({column.n_objects})" for column in columns)]
    lines = [
        [row.prompt, row.by, *(_cell(column, row) for column in columns)]
        for prompt in prompts_of(columns)
        for row in rows_of(columns, prompt)
    ]
    return _align([header, *lines])


def format_margins(columns: Sequence[Column]) -> str:
    """One line for each column and prompt: how far the model is ahead of the best tool, or behind."""
    lines = []
    for column in columns:
        for prompt in prompts_of(columns):
            found = compare(column, prompt)
            if found is not None:
                verdict = "ahead of" if found.margin > 0 else "behind"
                lines.append(
                    f"{column.name}, {prompt}: the model is {abs(found.margin):.3f} {verdict} {found.best_tool.by} "
                    f"(margin {found.margin:+.3f}, standard error {found.standard_error:.3f})"
                )
    return "\n".join(lines)


def _cell(column: Column, row: Row) -> str:
    if row not in column.iou:
        return MISSING
    text = f"{column.mean_iou(row):.3f}"
    if is_tool(row):
        return f"{text} *" if row == best_tool(column, (row.prompt,)) else text
    found = compare(column, row.prompt)
    return f"**{text}**" if row.by == MODEL and found is not None and found.margin > 0 else text


def _align(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    padded = [[text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])
