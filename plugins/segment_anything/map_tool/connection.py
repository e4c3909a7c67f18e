"""The engine of the settings and the thread that asks it; both are replaced when the settings name another engine."""

from __future__ import annotations

from typing import Any, Callable

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..engine.engine import Engine
from ..text import tr
from .asker import Asker
from .mailbox import Job


class Connection(QObject):
    """Passes jobs on to the engine of now. Lives in the main thread, and so do its signals, which are those of `Asker`.

    Args:
        find_engine: gives the engine that the settings name; it raises EngineError where they name none.
    """

    answered = pyqtSignal(object)
    failed = pyqtSignal(object, object)
    told = pyqtSignal(str)

    became_busy = pyqtSignal(str)
    """What takes a while now, in a few words; an empty text when nothing does any more."""

    def __init__(self, find_engine: Callable[[], Engine], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._find_engine = find_engine
        self._engine: Engine | None = None
        self._asker: Asker | None = None
        self.hello: dict[str, Any] = {}
        """What the engine said of itself; empty until then."""

    def connect_engine(self) -> bool:
        """Find the engine of now and start it where it isn't yet; whether it is another one than before.

        Raises:
            EngineError: the settings name none.
        """
        engine = self._find_engine()
        if engine is self._engine:
            return False
        self.close()
        self._engine, self._asker = engine, Asker(engine, self)
        self._asker.ready.connect(self._on_ready)
        self._asker.began.connect(self._on_began)
        self._asker.answered.connect(self._on_answered)
        self._asker.failed.connect(self._on_failed)
        self._asker.told.connect(self.told)
        self.became_busy.emit(tr("starting the engine, once in a session"))
        self._asker.start()
        return True

    def sees(self, file: str) -> bool:
        """Whether the engine can open a file of this machine."""
        return self._engine is not None and self._engine.sees(file)

    def ask(self, job: Job) -> None:
        """See `Asker.ask`."""
        if self._asker is not None:
            self._asker.ask(job)

    def forget(self) -> None:
        """See `Asker.forget`."""
        if self._asker is not None:
            self._asker.forget()

    def close(self) -> None:
        """Stop asking; answers that are still on their way are lost. The engine stays as it is."""
        if self._asker is not None:
            self._asker.disconnect()
            self._asker.close()
            self._asker.deleteLater()
        self._engine = self._asker = None
        self.hello = {}

    def _on_ready(self, hello: dict[str, Any]) -> None:
        self.hello = hello
        self.became_busy.emit("")

    def _on_began(self, is_new_view: bool) -> None:
        self.became_busy.emit(tr("reading the view") if is_new_view else "")

    def _on_answered(self, answer: object) -> None:
        self.became_busy.emit("")
        self.answered.emit(answer)

    def _on_failed(self, job: object, error: object) -> None:
        self.became_busy.emit("")
        self.failed.emit(job, error)
