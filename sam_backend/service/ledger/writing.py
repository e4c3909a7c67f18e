"""What is written to the ledger; each function within a transaction that its caller began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from sam_backend.service.ledger.answered import Entry
from sam_backend.service.ledger.comparing import StoredAnswer, Verdict
from sam_backend.service.ledger.footprint import Footprint
from sam_backend.service.ledger.submitted import Submitted

_DAY_S = 86_400.0

_WRITE_ANSWER = """
INSERT INTO answer (project, task, id, origin, tag, shape, label, model_version, score, height_px, width_px, footprint,
    n_prompts, drawn, is_refined, first_s, last_s)
VALUES (:project, :task, :id, 'click', :tag, :shape, :label, :model_version, :score, :height_px,
    :width_px, :footprint, :n_prompts, :drawn, :is_refined, :at_s, :at_s)
ON CONFLICT (project, task, id) DO UPDATE SET tag = excluded.tag, shape = excluded.shape, label = excluded.label,
    model_version = excluded.model_version, score = excluded.score, height_px = excluded.height_px,
    width_px = excluded.width_px, footprint = excluded.footprint, n_prompts = max(n_prompts, excluded.n_prompts),
    is_refined = CASE WHEN drawn = excluded.drawn THEN is_refined ELSE max(is_refined, excluded.is_refined) END,
    last_s = CASE WHEN drawn = excluded.drawn THEN last_s ELSE excluded.last_s END, drawn = excluded.drawn
WHERE excluded.last_s >= last_s
"""


def write_entries(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Keep answers; one that refines an object takes the place of the one before."""
    for entry in entries:
        height_px, width_px = entry.footprint.image_hw
        names = ("project", "task", "id", "tag", "shape", "label", "model_version", "score", "drawn", "at_s")
        columns = {name: getattr(entry, name) for name in names}
        size = {"height_px": height_px, "width_px": width_px, "footprint": entry.footprint.to_bytes()}
        prompts = {"n_prompts": entry.n_prompts, "is_refined": entry.is_refined}
        connection.execute(_WRITE_ANSWER, columns | size | prompts)
        connection.executemany(
            "REPLACE INTO prompt VALUES (?, ?, ?, ?)",
            [(entry.project, entry.task, its_id, entry.at_s) for its_id in entry.prompt_ids],
        )


def read_answers(connection: sqlite3.Connection, submitted: Submitted) -> list[StoredAnswer]:
    """All answers on the task of an annotation that no other annotation holds, as they stood last."""
    rows = connection.execute(
        """SELECT answer.id, tag, shape, label, footprint FROM answer WHERE project = :project AND task = :task
        AND NOT EXISTS (SELECT * FROM annotation JOIN verdict ON verdict.annotation = annotation.id
            WHERE annotation.project = :project AND annotation.task = :task AND annotation.id <> :id
            AND verdict.region = answer.id AND verdict.outcome IN ('kept', 'edited'))
        OR (project = :project AND task = :task AND answer.id IN (SELECT value FROM json_each(:held)))
        ORDER BY first_s""",
        submitted.to_row(),
    )
    return [
        StoredAnswer(its_id, tag, shape, label, None if footprint is None else Footprint.from_bytes(footprint))
        for its_id, tag, shape, label, footprint in rows
    ]


def read_prompt_ids(connection: sqlite3.Connection, submitted: Submitted) -> frozenset[str]:
    """Ids of the regions that were prompts on a task."""
    rows = connection.execute("SELECT id FROM prompt WHERE project = :project AND task = :task", submitted.to_row())
    return frozenset(row[0] for row in rows)


def read_verdicts(connection: sqlite3.Connection, annotation: int) -> dict[str, Verdict]:
    """What was found of an annotation when it was last compared, by region."""
    rows = connection.execute(
        "SELECT region, outcome, iou, tag, shape, label FROM verdict WHERE annotation = ?", (annotation,)
    )
    return {row[0]: Verdict(*row) for row in rows}


def is_newest(connection: sqlite3.Connection, submitted: Submitted) -> bool:
    """Whether nothing later is known of an annotation: workers may take two events in the wrong order."""
    row = connection.execute("SELECT updated_at FROM annotation WHERE id = ?", (submitted.id,)).fetchone()
    return row is None or row[0] <= submitted.updated_at


def write_verdicts(
    connection: sqlite3.Connection, submitted: Submitted, verdicts: Sequence[Verdict], at_s: float
) -> None:
    """Put what was found of an annotation in place of what was found before."""
    delete_annotation(connection, submitted.id)
    connection.execute(
        "INSERT INTO annotation VALUES (:id, :project, :task, :updated_at, :at_s, :lead_time_s)",
        submitted.to_row() | {"at_s": at_s},
    )
    connection.executemany(
        "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(submitted.id, one.region, one.outcome, one.iou, one.tag, one.shape, one.label) for one in verdicts],
    )
    _settle(connection, submitted.project, submitted.task)


def delete_annotation(connection: sqlite3.Connection, annotation: int) -> None:
    """Forget an annotation, and what was found of it."""
    places = connection.execute("SELECT project, task FROM annotation WHERE id = ?", (annotation,)).fetchall()
    connection.execute("DELETE FROM annotation WHERE id = ?", (annotation,))
    for project, task in places:
        _settle(connection, project, task)


def _settle(connection: sqlite3.Connection, project: int, task: int) -> None:
    """Of several verdicts on an answer the newest counts that has it in an annotation; without any it is open."""
    connection.execute(
        "UPDATE answer SET annotation = NULL, outcome = 'open', iou = NULL, submitted_label = NULL "
        "WHERE project = ? AND task = ?",
        (project, task),
    )
    connection.execute(
        """UPDATE answer SET (annotation, outcome, iou, submitted_label) = (
            SELECT verdict.annotation, verdict.outcome, verdict.iou, verdict.label
            FROM verdict JOIN annotation ON annotation.id = verdict.annotation
            WHERE annotation.project = answer.project AND annotation.task = answer.task AND verdict.region = answer.id
            ORDER BY verdict.outcome = 'discarded', annotation.at_s DESC, annotation.id DESC LIMIT 1
        ) WHERE project = :project AND task = :task AND id IN (
            SELECT verdict.region FROM verdict JOIN annotation ON annotation.id = verdict.annotation
            WHERE annotation.project = :project AND annotation.task = :task
        )""",
        {"project": project, "task": task},
    )


def forget_old(connection: sqlite3.Connection, now_s: float, keep_days: int) -> None:
    """Drop old answers that no annotation tells of; of the others the masks, so that only numbers stay."""
    before = {"before_s": now_s - keep_days * _DAY_S}
    connection.execute("DELETE FROM answer WHERE last_s < :before_s AND outcome = 'open'", before)
    connection.execute("UPDATE answer SET footprint = NULL WHERE last_s < :before_s AND footprint IS NOT NULL", before)
    connection.execute("DELETE FROM prompt WHERE at_s < :before_s", before)
