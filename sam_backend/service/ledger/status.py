"""The ledger on the status page."""

from __future__ import annotations

from sam_backend.errors import StorageError
from sam_backend.service.ledger.ledger import Ledger
from sam_backend.service.ledger.summary import Summary, Tally, read_summary
from sam_backend.service.status_report import Facts, Section

_MOST_LABELS = 10


def ledger_section(ledger: Ledger) -> Section:
    """What became of the answers, in total and for the labels met most."""

    def read() -> Facts:
        trouble = ledger.trouble
        try:
            with ledger.file.reading() as connection:
                summary = read_summary(connection)
        except StorageError as error:
            return {"trouble": str(error)}
        return ({} if trouble is None else {"trouble": trouble}) | _facts(summary)

    return Section("Ledger", read)


def _facts(summary: Summary) -> dict[str, str | int | float | None]:
    total = summary.total
    facts: dict[str, str | int | float | None] = {
        "annotations": summary.n_annotations,
        "answered": total.answered,
        "submitted": total.submitted,
        "kept as answered": total.kept,
        "edited": _edited(total),
        "discarded": total.discarded,
        "not decided yet": total.open,
        "by hand": total.by_hand,
        "clicks per object": _rounded(total.clicks_per_object),
        "seconds per object": _rounded(total.seconds_per_object),
        "editor's seconds per object": _rounded(summary.lead_time_s),
    }
    for tally in summary.by_label[:_MOST_LABELS]:
        facts[f"label {tally.label or '(none)'}"] = _in_short(tally)
    return facts


def _edited(tally: Tally) -> str | int:
    return tally.edited if tally.mean_iou is None else f"{tally.edited} (mean IoU {tally.mean_iou:.3f})"


def _in_short(tally: Tally) -> str:
    return f"{tally.kept} kept, {_edited(tally)} edited, {tally.discarded} discarded, {tally.by_hand} by hand"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)
