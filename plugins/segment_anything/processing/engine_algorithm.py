"""What all algorithms have in common: names, help, the engine, and how its errors reach the user."""

from __future__ import annotations

import os
from abc import abstractmethod
from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
)
from qgis.PyQt.QtGui import QIcon

from ..engine.choose import current_engine, what_is_missing
from ..engine.engine import Engine, EngineError, ErrorKind, Fields
from ..settings import Backend
from ..text import tr
from .conversation import Conversation, model_line
from .parameters import Choice
from .stopping import is_stopped


def backend_choice() -> Choice:
    """Where the model computes, for one run."""
    return Choice(
        "BACKEND",
        "backend",
        tr("Where the model computes"),
        tr("On this machine, or on the server of the settings."),
        [
            ("", tr("As in the settings")),
            (Backend.LOCAL, tr("Worker on this machine")),
            (Backend.SERVER, tr("Server")),
        ],
    )


class EngineAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that asks the engine. Texts are methods, as QGIS asks for them in the language of the moment."""

    def __init__(self) -> None:
        super().__init__()
        self._engine: Engine | None = None

    @abstractmethod
    def name(self) -> str:
        """The id: public, never changes."""

    @abstractmethod
    def displayName(self) -> str:
        """As the toolbox shows it."""

    @abstractmethod
    def shortHelpString(self) -> str:
        """As the dialog shows it."""

    def group(self) -> str:
        """None: there are few algorithms."""
        return ""

    def groupId(self) -> str:
        """None."""
        return ""

    def icon(self) -> QIcon:
        """Of the plugin."""
        return QIcon(self.svgIconPath())

    def svgIconPath(self) -> str:
        """Of the plugin."""
        return os.path.join(os.path.dirname(os.path.dirname(__file__)), "icon.svg")

    def createInstance(self) -> EngineAlgorithm:
        """Another one of the same."""
        return type(self)()

    def checkParameterValues(self, given: Fields, context: QgsProcessingContext) -> tuple[bool, str]:
        """Whether a run can succeed, as far as one can tell before it."""
        is_fine, message = super().checkParameterValues(given, context)
        if is_fine:
            message = self.complaint(given, context) or what_is_missing(self.backend(given, context))
        return not message, message

    def complaint(self, given: Fields, context: QgsProcessingContext) -> str:
        """What contradicts itself in the parameters; empty if nothing does."""
        return ""

    def prepareAlgorithm(self, given: Fields, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> bool:
        """Choose the engine, as that takes the main thread."""
        try:
            self._engine = current_engine(self.backend(given, context))
        except EngineError as error:
            raise QgsProcessingException(str(error)) from error
        return True

    def backend(self, given: Fields, context: QgsProcessingContext) -> str:
        """Which one is asked for; empty: as in the settings."""
        if self.parameterDefinition("BACKEND") is None:
            return ""
        backend: Any = backend_choice().value(self, given, context)
        return str(backend)

    @property
    def engine(self) -> Engine:
        """The one chosen."""
        if self._engine is None:
            raise QgsProcessingException(tr("The algorithm wasn't prepared: run it through Processing."))
        return self._engine

    def ask(self, op: str, fields: Fields, feedback: QgsProcessingFeedback) -> Fields | None:
        """Ask the engine, and say meanwhile what it says.

        Returns:
            The result; None if the user stopped it before there was one.

        Raises:
            QgsProcessingException: there is none for another reason.
        """
        try:
            return self.engine.call(op, fields, Conversation(feedback).on_event, partial(is_stopped, feedback))
        except EngineError as error:
            if error.kind == ErrorKind.CANCELLED and feedback.isCanceled():
                feedback.pushInfo(str(error))
                return None
            raise QgsProcessingException(str(error)) from error

    def greet(self, feedback: QgsProcessingFeedback) -> Fields | None:
        """Start the engine and say which model computes where; None if the user stopped it."""
        feedback.setProgressText(tr("Starting the backend"))
        hello = self.ask("hello", {}, feedback)
        if hello is not None:
            feedback.pushInfo(model_line(hello))
            if hello.get("state") == "failed":
                raise QgsProcessingException(str(hello.get("error") or tr("The model can't be loaded.")))
        return hello
