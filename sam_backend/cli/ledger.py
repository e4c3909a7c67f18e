"""``ledger``: what became of the answers, as a table or as CSV."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sam_backend.cli.arguments import output_file
from sam_backend.errors import StorageError
from sam_backend.service.ledger.csv_export import csv_lines
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.service.ledger.summary import Summary, Tally, read_summary
from sam_backend.settings import Settings

_COUNTED = ("answered", "submitted", "kept", "edited", "discarded", "open", "by hand")
_HEAD = ("label", *_COUNTED, "mean IoU", "median", "clicks", "seconds")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser(
        "ledger",
        help="what annotators kept, edited and discarded of the answers in Label Studio",
        description="Prints the ledger of answers of SAM_DATA_FOLDER by label; docs/ledger.md says what each number "
        "means. Clicks and seconds are of each submitted object that somebody clicked for.",
    )
    parser.add_argument("--project", type=int, metavar="N", help="of Label Studio; default: all of them together")
    parser.add_argument("--csv", type=output_file(".csv"), metavar="FILE", help="write one row per object there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table; write the CSV."""
    file = LedgerFile.in_folder(Settings.from_env(os.environ).data_folder)
    with file.reading() as connection:
        summary = read_summary(connection, arguments.project)
        if arguments.csv is not None:
            _write(arguments.csv, "".join(csv_lines(connection, arguments.project)))
    print("\n".join(_lines(summary)))
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise StorageError(f"{path} can't be written ({error}): give a place with room") from error


def _lines(summary: Summary) -> list[str]:
    rows = [_HEAD, *(_row(tally) for tally in (*summary.by_label, summary.total))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    table = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in cells)
        for cells in (list(enumerate(zip(row, widths, strict=True))) for row in rows)
    ]
    lead_time = "" if summary.lead_time_s is None else f", {summary.lead_time_s:.1f} s in the editor for each object"
    return [*table, f"{summary.n_annotations} annotations{lead_time}"]


def _row(tally: Tally) -> tuple[str, ...]:
    counts = (tally.answered, tally.submitted, tally.kept, tally.edited, tally.discarded, tally.open, tally.by_hand)
    ious = (_number(tally.mean_iou, 3), _number(tally.median_iou, 3))
    efforts = (_number(tally.clicks_per_object, 2), _number(tally.seconds_per_object, 1))
    name = "all" if tally.label is None else tally.label or "(none)"
    return (name, *map(str, counts), *ious, *efforts)


def _number(number: float | None, digits: int) -> str:
    return "-" if number is None else f"{number:.{digits}f}"
