"""Runs and refilterings that were asked for, put into the book and under way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sam_backend.errors import UnavailableError
from sam_backend.geo.protocol.perform import perform
from sam_backend.geo.protocol.run_records import end_record
from sam_backend.service.raster.asking import AskedRun, Asking
from sam_backend.service.raster.event_file import EventWriter
from sam_backend.service.raster.host import ClickHost, RunHost
from sam_backend.service.raster.run_book import RunBook, RunNote
from sam_backend.service.raster.run_folder import Hold, RunFolder
from sam_backend.service.raster.run_threads import RunThreads
from sam_backend.service.raster.run_work import RunWork

_MOST_WAITING = 50
"""Each has a thread."""


@dataclass(frozen=True, slots=True)
class TakingOn:
    """For use from many threads."""

    asking: Asking
    book: RunBook
    threads: RunThreads
    run_host: RunHost
    click_host: ClickHost

    def run(self, body: object) -> str:
        """Begin a run, or let it wait for its turn; its id.

        Raises:
            UnavailableError: too many wait.
            SamBackendError: it can't begin.
        """
        self.book.forget_old()
        asked = self.asking.run(body)
        n_before = self.book.n_before(asked.folder)
        if n_before >= _MOST_WAITING:
            raise UnavailableError(f"{n_before} runs wait for their turn already: ask again when some have ended")
        hold = self.book.begin(asked.folder, _note(asked))
        with _nothing_left_of_failures(asked.folder, hold):
            asked.job.check()
        self.threads.start(
            RunWork(
                job=asked.job,
                request_id=asked.request_id,
                folder=asked.folder,
                journal_of=asked.journal_of,
                hold=hold,
                book=self.book,
                host=self.run_host,
            )
        )
        return asked.folder.run_id

    def refilter(self, body: object) -> dict[str, Any]:
        """Write a run's objects anew: the result, whose ``output`` is the run:ID of a new file.

        Raises:
            SamBackendError: it can't be done; nothing is left then.
        """
        self.book.forget_old()
        request, folder, request_id = self.asking.refilter(body)
        source_id = request.journal.parent.name
        note = RunNote(alike={}, journal_of=source_id, name=self.book.note(self.book.find(source_id)).name)
        hold = self.book.begin(folder, note)
        with _nothing_left_of_failures(folder, hold):
            written = perform(request, self.click_host, lambda _: None, lambda: False)
            result = {"id": request_id, **end_record({**written, "output": folder.name})}
            EventWriter(folder.events_path).write(result)
        hold.release()
        return result


@contextmanager
def _nothing_left_of_failures(folder: RunFolder, hold: Hold) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        hold.release()
        raise


def _note(asked: AskedRun) -> RunNote:
    name = PurePosixPath(str(asked.alike["raster"])).stem
    return RunNote(asked.alike, asked.journal_of.run_id, name)
