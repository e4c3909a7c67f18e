"""The file itself: several writers, disks that fail, and what is forgotten."""

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_regions import annotation, brush, click, rectangle, square

from sam_backend.errors import StorageError
from sam_backend.service.ledger.annotation_events import AnnotationEvents
from sam_backend.service.ledger.csv_export import csv_lines
from sam_backend.service.ledger.ledger import Ledger
from sam_backend.service.ledger.schema import LedgerFile
from sam_backend.service.ledger.summary import Summary, read_summary
from sam_backend.service.webhooks import WebhookEvent

ROOT = Path(__file__).parents[3]
MASK = square(10, 10)
DAY_S = 86_400.0


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(LedgerFile.in_folder(tmp_path / "data"), keep_days=90, clock=lambda: 1000.0)


def summary_of(ledger: Ledger) -> Summary:
    assert ledger.wait_until_written(10)
    with ledger.file.reading() as connection:
        return read_summary(connection)


def submit(ledger: Ledger, *args: object, **how: object) -> None:
    body = {"annotation": annotation(*args, **how)}  # type: ignore[arg-type]
    AnnotationEvents(ledger, None).take(WebhookEvent("ANNOTATION_CREATED", body, is_trusted=True))


def test_nothing_is_made_before_something_is_written(ledger: Ledger) -> None:
    assert summary_of(ledger).total.answered == 0
    assert not ledger.file.path.parent.exists()
    ledger.record(click(brush("a", MASK)))
    assert summary_of(ledger).total.open == 1


def test_refined_object_is_one_with_its_clicks_and_times(ledger: Ledger) -> None:
    for n_prompts, at_s in ((1, 1000.0), (2, 1002.5), (3, 1004.0)):
        ledger.record(click(brush("a", square(n_prompts, 0)), n_prompts=n_prompts, at_s=at_s))
    ledger.record(click(brush("a", MASK), at_s=900.0))  # of a worker that was late
    summary_of(ledger)
    submit(ledger, 1, [brush("a", square(3, 0))])
    total = summary_of(ledger).total
    assert (total.kept, total.clicks_per_object, total.seconds_per_object) == (1, 3, 4.0)


def test_rectangle_that_is_sent_again_beside_the_next_one_is_not_clicked_again(ledger: Ledger) -> None:
    ledger.record(click(brush("a", MASK), at_s=1000.0, drawn=5))
    ledger.record(click(brush("a", square(11, 10)), at_s=1060.0, drawn=5, is_refined=True))
    summary_of(ledger)
    submit(ledger, 1, [brush("a", square(11, 10))])
    total = summary_of(ledger).total
    assert (total.kept, total.clicks, total.seconds) == (1, 1, 0.0)
    with ledger.file.reading() as connection:
        assert [row["is_refined"] for row in connection.execute("SELECT is_refined FROM object")] == [0]


@pytest.mark.parametrize(
    ("project", "task"),
    [
        pytest.param(None, 7, id="no project"),
        pytest.param("x", 7, id="no number"),
        pytest.param("3.1", None, id="no task"),
    ],
)
def test_test_requests_are_not_recorded(ledger: Ledger, project: str | None, task: int | None) -> None:
    one = click(brush("a", MASK))
    ledger.record(type(one)(project, task, one.objects, one.regions, one.model_version, one.at_s))
    assert summary_of(ledger).total.answered == 0


def test_update_replaces_what_was_found_and_deletion_removes_it(ledger: Ledger) -> None:
    ledger.record(click(brush("a", MASK)))
    summary_of(ledger)
    submit(ledger, 1, [brush("a", MASK), rectangle("hand")])
    assert (summary_of(ledger).total.kept, summary_of(ledger).total.by_hand) == (1, 1)
    submit(ledger, 1, [brush("a", square(20, 10))], "2026-01-02")
    submit(ledger, 1, [brush("a", MASK)], "2026-01-01T23")  # taken late by another worker
    summary = summary_of(ledger)
    assert (summary.total.kept, summary.total.edited, summary.total.by_hand) == (0, 1, 0)
    assert (summary.n_annotations, summary.total.ious) == (1, (pytest.approx(1 / 3),))
    event = WebhookEvent("ANNOTATIONS_DELETED", {"annotations": [{"id": 1}, {"id": 99}, 5, {}]}, is_trusted=True)
    AnnotationEvents(ledger, None).take_deletion(event)
    summary = summary_of(ledger)
    assert (summary.total.open, summary.total.answered, summary.n_annotations) == (1, 1, 0)


def test_what_one_person_leaves_out_and_the_next_one_submits_is_not_discarded(ledger: Ledger) -> None:
    ledger.record(click(brush("a", MASK)))
    ledger.record(click(brush("b", square(40, 30))))
    summary_of(ledger)
    submit(ledger, 1, [brush("a", MASK)])
    assert (summary_of(ledger).total.kept, summary_of(ledger).total.discarded) == (1, 1)
    submit(ledger, 2, [brush("b", square(40, 30))])
    assert (summary_of(ledger).total.kept, summary_of(ledger).total.discarded) == (2, 0)
    submit(ledger, 3, [])
    assert (summary_of(ledger).total.kept, summary_of(ledger).total.discarded) == (2, 0)
    submit(ledger, 4, [brush("a", square(20, 10))])  # a copy of the first one, changed: the newest counts
    total = summary_of(ledger).total
    assert (total.kept, total.edited, total.discarded) == (1, 1, 0)


def test_old_answers_are_dropped_unless_submitted_and_then_only_numbers_stay(tmp_path: Path) -> None:
    now_s = [1000.0]
    ledger = Ledger(LedgerFile.in_folder(tmp_path), keep_days=90, clock=lambda: now_s[0])
    ledger.record(click(brush("a", MASK)))
    ledger.record(click(brush("lost", MASK), task=8))
    summary_of(ledger)
    submit(ledger, 1, [brush("a", square(20, 10))])
    now_s[0] += 91 * DAY_S
    ledger.record(click(brush("new", MASK), task=9, at_s=now_s[0]))
    summary_of(ledger)
    with ledger.file.reading() as connection:
        rows = connection.execute("SELECT id, footprint IS NULL FROM answer ORDER BY id").fetchall()
        assert [tuple(row) for row in rows] == [("a", 1), ("new", 0)]
        assert [row["id"] for row in connection.execute("SELECT id FROM prompt")] == ["pnew"]
    submit(ledger, 1, [brush("a", square(20, 10))], "2026-02-02")
    assert summary_of(ledger).total.ious == (pytest.approx(1 / 3),)


def test_two_processes_and_many_threads_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys, threading
        from pathlib import Path
        from ledger_regions import brush, click, square
        from sam_backend.service.ledger.answered import entries_of_click
        from sam_backend.service.ledger.schema import LedgerFile
        from sam_backend.service.ledger.writing import write_entries

        name, file = sys.argv[1], LedgerFile.in_folder(Path(sys.argv[2]))
        print("ready", flush=True)
        sys.stdin.readline()

        def work(thread: int) -> None:
            for number in range(8):
                with file.writing() as connection:
                    write_entries(connection, entries_of_click(click(brush(f"{name}{thread}x{number}", square(0, 0)))))

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    """)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, name, str(tmp_path / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        for name in "ab"
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.communicate("go\n", timeout=60)
        assert process.returncode == 0
    file = LedgerFile.in_folder(tmp_path / "data")
    with file.reading() as connection:
        assert connection is not None
        assert read_summary(connection).total.open == 64
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_readers_see_the_last_state_while_another_process_holds_the_ledger(ledger: Ledger) -> None:
    ledger.record(click(brush("a", MASK)))
    summary_of(ledger)
    with contextlib.closing(sqlite3.connect(ledger.file.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert summary_of(ledger).total.open == 1
        other.execute("COMMIT")


def _in_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "data"


def _no_database(folder: Path) -> Path:
    (folder / "ledger.sqlite").write_bytes(b"no database " * 1000)
    return folder


def _of_the_future(folder: Path) -> Path:
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 2")
    return folder


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        pytest.param(_in_a_file, "can't be used", id="folder can't be made"),
        pytest.param(_no_database, "can't be used", id="file is something else"),
        pytest.param(_of_the_future, "format 2, 1 was wanted", id="newer format"),
        pytest.param(lambda _: Path("/proc/nobody/writes/here"), "can't be used", id="read-only place"),
    ],
)
def test_disk_that_fails_is_said_once_and_the_next_try_may_succeed(
    tmp_path: Path, spoil: Callable[[Path], Path], wanted: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    ledger = Ledger(LedgerFile.in_folder(spoil(tmp_path)), keep_days=90, clock=lambda: 1000.0)
    for name in "ab":
        ledger.record(click(brush(name, MASK)))
    assert ledger.wait_until_written(10)
    assert caplog.text.count("ledger_failed") == 1
    assert wanted in (ledger.trouble or "")
    ledger.file = LedgerFile.in_folder(tmp_path / "better")
    ledger.record(click(brush("c", MASK)))
    assert summary_of(ledger).total.open == 1
    assert ledger.trouble is None


def test_ledger_of_another_format_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="format 2"), LedgerFile.in_folder(_of_the_future(tmp_path)).reading():
        pass


def test_work_that_fails_leaves_the_ledger_as_it_was(ledger: Ledger) -> None:
    ledger.record(click(brush("a", MASK)))
    summary_of(ledger)

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM answer")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.write(work)
    assert summary_of(ledger).total.open == 1


def test_annotation_beside_a_ledger_that_cannot_be_read_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    ledger = Ledger(LedgerFile.in_folder(_no_database(tmp_path)), keep_days=90)
    for number in range(3):
        submit(ledger, number, [rectangle("a")])
    assert caplog.text.count("ledger_failed") == 1
    assert "annotation_compared" not in caplog.text


def test_late_news_of_an_annotation_changes_nothing(ledger: Ledger) -> None:
    submit(ledger, 1, [rectangle("a")], "2026-01-02")
    submit(ledger, 1, [], "2026-01-01")
    assert summary_of(ledger).total.by_hand == 1


def test_empty_file_that_another_process_is_making_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"")
    with LedgerFile.in_folder(tmp_path).reading() as connection:
        assert read_summary(connection).total.answered == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files there")
def test_full_disk_loses_the_newest_answers_and_nothing_that_was_written(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from ledger_regions import brush, click, square
        from sam_backend.service.ledger.ledger import Ledger
        from sam_backend.service.ledger.schema import LedgerFile

        ledger = Ledger(LedgerFile.in_folder(Path(sys.argv[1])), 90, lambda: 1000.0)
        ledger.record(click(brush("first", square(0, 0))))
        assert ledger.wait_until_written(10) and ledger.trouble is None
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        ledger.record(click(brush("second", square(0, 0))))
        assert ledger.wait_until_written(30)
        assert "can't be used" in ledger.trouble, ledger.trouble
    """)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=environ, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    with LedgerFile.in_folder(tmp_path).reading() as connection:
        assert ",first," in "".join(csv_lines(connection))


def test_more_answers_than_the_disk_takes_are_left_out_and_that_is_said(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    ledger.record(click(brush("a", MASK)))
    summary_of(ledger)
    with contextlib.closing(sqlite3.connect(ledger.file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        one = brush("b", MASK)
        for number in range(1100):
            ledger.record(click(one | {"id": f"b{number}"}))
        assert "some are missing" in (ledger.trouble or "")
        other.execute("COMMIT")
    assert ledger.wait_until_written(60)
    assert 500 <= summary_of(ledger).total.answered < 1100
    assert caplog.text.count("more answers come") == 1


def test_answer_that_cannot_be_read_back_is_named_and_the_next_one_written(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="sam_backend")
    ledger.record(click({"id": "b"}))
    ledger.record(click(brush("c", MASK)))
    assert summary_of(ledger).total.open == 1
    assert "a region lacks type" in caplog.text


def test_threads_that_record_wait_for_nothing(ledger: Ledger) -> None:
    ledger.record(click(brush("a", MASK)))
    summary_of(ledger)
    is_done = threading.Event()
    with contextlib.closing(sqlite3.connect(ledger.file.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        thread = threading.Thread(target=lambda: (ledger.record(click(brush("b", MASK))), is_done.set()))
        thread.start()
        assert is_done.wait(1)
        other.execute("COMMIT")
    assert summary_of(ledger).total.open == 2
