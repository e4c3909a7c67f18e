"""What is said at the end of a run over a raster."""

from __future__ import annotations

from pathlib import Path

from sam_backend.geo.run.engine import RunSummary
from sam_backend.geo.run.results import ResultSummary

N_FAILURES_SHOWN = 5


def tell_tiles(summary: RunSummary) -> None:
    """How the tiles went; a failed one is always named."""
    print(f"tiles: {summary.n_done} done, {summary.n_empty} without data, {len(summary.failed)} failed")
    for report in summary.failed[:N_FAILURES_SHOWN]:
        print(f"  tile {report.tile.index}: {report.message}")
    if summary.failed:
        print("the same command with --resume tries the failed tiles again")


def tell_results(summary: ResultSummary, output: Path) -> None:
    """What was written."""
    print(
        f"wrote {output}: {summary.n_objects} objects; {summary.n_filtered} filtered out, "
        f"{summary.n_unresolved_cuts} seen whole by no tile; {summary.outline_on_grid_share:.2%} of the outlines lie "
        "on seams"
    )
