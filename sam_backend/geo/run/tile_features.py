"""What became of each tile, as rows of a layer."""

from __future__ import annotations

from collections.abc import Iterator

from sam_backend.geo.layers import Feature
from sam_backend.geo.qa_layer import TileStatus, tile_feature
from sam_backend.geo.run.journal import Journal, TileReport


def tile_features(journal: Journal) -> Iterator[Feature]:
    """One row for each tile that was worked on, by index."""
    for index, report in journal.reports().items():
        n_findings = journal.n_findings(index)
        yield tile_feature(
            tile=report.tile,
            transform=journal.place.transform,
            status=_status(report, n_findings),
            seconds=report.seconds,
            objects=n_findings,
            message=report.message or None,
        )


def _status(report: TileReport, n_findings: int) -> TileStatus:
    if report.status == "done":
        return TileStatus.DONE if n_findings else TileStatus.EMPTY
    return TileStatus.FAILED if report.status == "failed" else TileStatus.SKIPPED
