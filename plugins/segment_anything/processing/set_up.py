"""The state of the backend, and how it comes to be there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from ..engine.choose import current_engine
from ..engine.engine import EngineError
from ..engine.environment import make_environment
from ..settings import Backend, PluginSettings, read_settings, read_token, write_settings
from ..text import tr
from .engine_algorithm import EngineAlgorithm
from .parameters import ANY_FILE, finished
from .stopping import is_stopped

_STATUS, _MAKE, _USE = range(3)


class SetUp(EngineAlgorithm):
    """``segmentanything:setup``."""

    def __init__(self) -> None:
        super().__init__()
        self._settings = PluginSettings()

    def name(self) -> str:
        """See `EngineAlgorithm`."""
        return "setup"

    def displayName(self) -> str:
        """See `EngineAlgorithm`."""
        return tr("Backend status and set-up")

    def shortHelpString(self) -> str:
        """See `EngineAlgorithm`."""
        return tr(
            "Says which backend the other algorithms use and whether it works, and sets it up.\n\n"
            "'Make an environment' makes a Python environment of the backend's own and installs the backend there; "
            "QGIS's own Python is left alone. Name the project's wheel, the folder of its source, or a requirement as "
            "pip knows them. Without the internet, give pip the options '--no-index --find-links FOLDER' with a "
            "folder of wheels. PyTorch without CUDA is much smaller: name its index of CPU wheels by "
            "'--extra-index-url'.\n\n"
            "'Use what is named here' keeps a Python that has the backend, or a server's URL, in the settings. A "
            "server's token is kept by the page of settings."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add all parameters and outputs."""
        actions = [tr("Show the status"), tr("Make an environment"), tr("Use what is named here")]
        self.addParameter(QgsProcessingParameterEnum("ACTION", tr("What to do"), actions, False, _STATUS))
        self._add_file("PYTHON", tr("Python (of the environment, or to make one with)"), tr("None: one on PATH."))
        self._add_text("SOURCE", tr("What to install (wheel, folder or requirement)"), "", False)
        folder = QgsProcessingParameterFile(
            "FOLDER", tr("Folder of the environment"), QgsProcessingParameterFile.Behavior.Folder, "", None, True
        )
        self.addParameter(finished(folder, tr("None: in the profile."), True))
        self._add_text("PIP_OPTIONS", tr("Further options of pip"), "")
        self._add_text("SOURCE_FOLDER", tr("Folder of the backend's source, where it isn't installed"), "")
        self._add_text("MODEL", tr("Model (name or file of weights)"), tr("None: the backend's default."))
        self._add_text("DEVICE", tr("Device"), tr("Such as cpu or cuda. None: the best there is."))
        self._add_text("SERVER", tr("URL of a server"), tr("Such as http://gpu.example.org:9090."))
        for name, text in (("STATE", tr("State")), ("DEVICE", tr("Device")), ("MODEL", tr("Model"))):
            self.addOutput(QgsProcessingOutputString(f"BACKEND_{name}", text))
        self.addOutput(QgsProcessingOutputString("BACKEND_VERSION", tr("Version of the backend")))
        self.addOutput(QgsProcessingOutputString("BACKEND_PYTHON", tr("Python of the backend")))

    def checkParameterValues(self, given: dict[str, Any], context: QgsProcessingContext) -> tuple[bool, str]:
        """Whether enough was said; a backend that is missing is no obstacle here."""
        is_fine, message = QgsProcessingAlgorithm.checkParameterValues(self, given, context)
        action = self.parameterAsEnum(given, "ACTION", context)
        if is_fine and action == _MAKE and not self._text(given, "SOURCE", context):
            message = tr("Say what to install: the project's wheel, the folder of its source, or a requirement.")
        if is_fine and action == _USE and not self._named(given, context):
            message = tr("Name a Python that has the backend, or the URL of a server.")
        return not message, message

    def prepareAlgorithm(
        self, given: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Let QGIS ask for its master password, if it must: that takes the main thread."""
        self._settings = read_settings()
        read_token(self._settings)
        return True

    def processAlgorithm(
        self, given: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Do it, then say hello to the backend."""
        action = self.parameterAsEnum(given, "ACTION", context)
        if action == _MAKE:
            self._settings = replace(
                self._settings, **self._named(given, context), python=self._made(given, context, feedback)
            )
        if action == _USE:
            self._settings = replace(self._settings, **self._named(given, context))
        if feedback.isCanceled():
            return {}
        if action != _STATUS:
            write_settings(self._settings)
        return self._status(feedback)

    def _status(self, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        where = self._settings.server_url if self._settings.backend == Backend.SERVER else self._settings.python
        feedback.pushInfo(tr("Backend by the settings: {0} ({1})").format(self._settings.backend, where or "-"))
        self._engine = _or_explain(current_engine)
        hello = self.greet(feedback) or {}
        return {
            "BACKEND_STATE": hello.get("state", ""),
            "BACKEND_DEVICE": hello.get("device", ""),
            "BACKEND_MODEL": hello.get("model", ""),
            "BACKEND_VERSION": hello.get("version", ""),
            "BACKEND_PYTHON": self._settings.python,
        }

    def _made(self, given: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> str:
        folder = self._text(given, "FOLDER", context) or os.path.join(
            QgsApplication.qgisSettingsDirPath(), "segment_anything", "environment"
        )
        return _or_explain(
            lambda: make_environment(
                self._text(given, "PYTHON", context),
                folder,
                self._text(given, "SOURCE", context),
                shlex.split(self._text(given, "PIP_OPTIONS", context)),
                feedback.pushConsoleInfo,
                partial(is_stopped, feedback),
            )
        )

    def _named(self, given: dict[str, Any], context: QgsProcessingContext) -> dict[str, str]:
        """Settings that were given here."""
        names = {
            "python": "PYTHON",
            "source_folder": "SOURCE_FOLDER",
            "model": "MODEL",
            "device": "DEVICE",
            "server_url": "SERVER",
        }
        texts = {setting: self._text(given, name, context) for setting, name in names.items()}
        return {setting: text for setting, text in texts.items() if text}

    def _text(self, given: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        return str(self.parameterAsString(given, name, context) or "").strip()

    def _add_text(self, name: str, label: str, help_text: str, is_advanced: bool = True) -> None:
        made = QgsProcessingParameterString(name, label, None, False, True)
        self.addParameter(finished(made, help_text, is_advanced))

    def _add_file(self, name: str, label: str, help_text: str) -> None:
        made = QgsProcessingParameterFile(
            name, label, QgsProcessingParameterFile.Behavior.File, "", None, True, ANY_FILE
        )
        self.addParameter(finished(made, help_text, False))


def _or_explain(do: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it returns
    try:
        return do()
    except EngineError as error:
        raise QgsProcessingException(str(error)) from error
