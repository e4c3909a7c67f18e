import os
import threading
import time
from pathlib import Path

import pytest

from sam_backend.errors import StorageError
from sam_backend.service.raster.event_file import EventWriter, read_events
from sam_backend.service.raster.run_book import RunBook, RunNote, UnknownRunError
from sam_backend.service.raster.run_folder import Hold, RunFolder
from sam_backend.service.raster.spool import Spool, default_spool
from sam_backend.service.raster.turn import turn_of
from sam_backend.service.raster.uploads import UPLOADS

HOUR_S = 3600.0


@pytest.fixture
def book(tmp_path: Path) -> RunBook:
    return RunBook(Spool(tmp_path / "spool"), keep_s=HOUR_S)


def _begin(book: RunBook, upload: str = "", journal_of: RunFolder | None = None) -> tuple[RunFolder, Hold]:
    run = book.at(book.new_id())
    note = RunNote({"raster": f"upload:{upload}/map.tif"}, (journal_of or run).run_id, "map")
    return run, book.begin(run, note)


def _age(folder: Path, hours: float) -> None:
    then_s = time.time() - hours * HOUR_S
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then_s, then_s))


def test_progress_is_kept_once_a_second_and_the_last_of_a_stage_always(tmp_path: Path) -> None:
    path = tmp_path / "events"
    writer = EventWriter(path, pause_s=1000)
    assert read_events(path) == []
    for n in range(5):
        writer.write({"event": "progress", "stage": "tiles", "n": n})
    writer.write({"event": "log", "n": 5})
    for n in range(6, 9):
        writer.write({"event": "progress", "stage": "tiles", "n": n})
    writer.write({"event": "progress", "stage": "healing", "n": 9})
    writer.write({"event": "result", "n": 10})
    assert [event["n"] for event in read_events(path)] == [0, 4, 5, 8, 9, 10]
    quick = EventWriter(tmp_path / "quick", pause_s=0)
    for n in range(3):
        quick.write({"event": "progress", "stage": "tiles", "n": n})
    assert len(read_events(tmp_path / "quick")) == 3


def test_a_line_that_is_being_written_is_no_event_yet(tmp_path: Path) -> None:
    (tmp_path / "events").write_bytes(b'{"event":"log"}\n{"event":"res')
    assert read_events(tmp_path / "events") == [{"event": "log"}]


def test_a_run_that_nobody_holds_any_more_was_interrupted(book: RunBook) -> None:
    run, hold = _begin(book)
    EventWriter(run.events_path).write({"event": "log"})
    assert run.events() == [{"event": "log"}]
    assert book.find(run.run_id).cancel()
    hold.release()
    assert [event["event"] for event in run.events()] == ["log", "error"]
    assert run.wait_for_events(2, wait_s=20) == []
    assert not run.cancel()


def test_waiting_ends_when_an_event_comes_or_the_time_is_up(book: RunBook) -> None:
    run, hold = _begin(book)
    assert run.wait_for_events(0, wait_s=0.05) == []
    later = threading.Timer(0.3, lambda: EventWriter(run.events_path).write({"event": "log"}))
    later.start()
    assert run.wait_for_events(0, wait_s=30) == [{"event": "log"}]
    later.join()
    assert run.wait_for_events(1, wait_s=0.05) == []
    hold.release()


@pytest.mark.parametrize("run_id", ["", "x", "..", "0" * 16 + "-" + "0" * 32, "../" * 8, "0" * 49 + "\n"])
def test_what_is_no_run_isnt_found(run_id: str, book: RunBook) -> None:
    with pytest.raises(UnknownRunError, match="ask for it again"):
        book.find(run_id)


def test_old_runs_and_uploads_go_but_for_those_in_use(book: RunBook) -> None:
    uploads = book.spool.part(UPLOADS)
    used, unused, fresh = ("a" * 32, "b" * 32, "c" * 32)
    for upload in (used, unused, fresh):
        (uploads / upload).mkdir()
        (uploads / upload / "map.tif").touch()
    source, source_hold = _begin(book)
    old, old_hold = _begin(book)
    young, young_hold = _begin(book)
    for hold in (source_hold, old_hold, young_hold):
        hold.release()
    held, hold = _begin(book, used, journal_of=source)
    (book.spool.part("runs") / ".new-left").mkdir()
    for folder in (
        old.path,
        source.path,
        held.path,
        uploads / used,
        uploads / unused,
        book.spool.part("runs") / ".new-left",
    ):
        _age(folder, hours=2)
    book.forget_old()
    assert {path.name for path in uploads.iterdir()} == {used, fresh}
    left = {path.name for path in book.spool.part("runs").iterdir()}
    assert left == {source.run_id, young.run_id, held.run_id}
    with pytest.raises(UnknownRunError):
        book.note(old)
    hold.release()


def test_the_last_run_alike_hands_on_its_journal(book: RunBook) -> None:
    first, first_hold = _begin(book)
    alike = book.note(first).alike
    assert book.last_alike(alike) is None  # it goes on
    first_hold.release()
    assert book.last_alike(alike) is None  # it has no journal
    first.journal_path.touch()
    _, second_hold = _begin(book, journal_of=first)
    second_hold.release()
    assert book.last_alike(alike) == first
    assert book.last_alike({**alike, "points_per_side": 3}) is None


def test_turns_are_in_the_order_of_asking(book: RunBook) -> None:
    runs = [_begin(book) for _ in range(4)]
    order, said = list[int](), list[tuple[int, int]]()

    def work(index: int) -> None:
        run, hold = runs[index]
        with turn_of(book, run, lambda: index == 2, lambda n_before: said.append((index, n_before))) as is_mine:
            if is_mine:
                order.append(index)
        hold.release()

    threads = [threading.Thread(target=work, args=(index,)) for index in (3, 2, 1, 0)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 3]
    assert (3, 3) in said


def test_a_run_waits_for_one_that_is_being_ended(book: RunBook) -> None:
    run, hold = _begin(book)
    with turn_of(book, run, lambda: False, lambda _: None) as is_mine:
        assert is_mine
        other, other_hold = _begin(book)
        hold.release()
        answers = iter([False, False, True])
        with turn_of(book, other, lambda: next(answers), lambda _: None) as is_mine_too:
            assert not is_mine_too
    other_hold.release()


def test_the_spool_lies_with_the_cache_or_with_temporary_files(tmp_path: Path) -> None:
    assert default_spool(f"file://{tmp_path}/cache") == tmp_path / "cache" / "raster"
    assert default_spool(f"file://{tmp_path}/sam%20cache") == tmp_path / "sam cache" / "raster"
    assert default_spool("memory").name == f"sam-raster-{os.getuid()}"


def test_a_spool_that_others_may_change_is_refused(tmp_path: Path) -> None:
    open_folder, link = tmp_path / "open", tmp_path / "link"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    link.symlink_to(tmp_path)
    for root in (open_folder, link):
        with pytest.raises(StorageError, match="SAM_RASTER_SPOOL"):
            Spool(root).part("runs")
    for own in (tmp_path / "own", tmp_path / "cache that was removed" / "raster"):
        assert Spool(own).part("runs").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cant_be_filled_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")

    def fill(folder: Path) -> None:
        (folder / "a").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space left"):
        spool.new_folder("runs", "x", fill)
    assert list(spool.part("runs").iterdir()) == []
