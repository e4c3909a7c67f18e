"""The fields of the page."""

from __future__ import annotations

from dataclasses import replace

from qgis.gui import QgsFileWidget, QgsPasswordLineEdit
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..engine.engine import Engine, EngineError, ErrorKind
from ..engine.local_worker import LocalWorker
from ..engine.server import Server
from ..settings import Backend, PluginSettings, read_proxies
from ..text import tr
from .check import Check


class SettingsForm(QWidget):
    """Shows settings and gives back what the user made of them; it keeps nothing."""

    def __init__(self, settings: PluginSettings, token: str) -> None:
        super().__init__()
        self._settings = settings
        self._check: Check | None = None
        self._make_fields(settings, token)
        column = QVBoxLayout(self)
        column.addLayout(_rows((tr("Compute"), self.backend)))
        column.addWidget(self._local_box())
        column.addWidget(self._server_box())
        column.addLayout(self._check_row())
        column.addWidget(self.answer)
        column.addStretch(1)
        self.backend.currentIndexChanged.connect(self._show_what_counts)
        self._show_what_counts()
        self.destroyed.connect(self.stop_check)

    @property
    def settings(self) -> PluginSettings:
        """As the fields say."""
        return replace(
            self._settings,
            backend=self.backend.currentData(),
            python=self.python.filePath().strip(),
            source_folder=self.source_folder.filePath().strip(),
            model=self.model.text().strip(),
            device=self.device.text().strip(),
            server_url=self.server_url.text().strip(),
            shared_folders=self.shared_folders.text().strip(),
        )

    @property
    def token(self) -> str:
        """As its field says."""
        return str(self.token_field.text()).strip()

    def warn_of_plain_token(self) -> None:
        """Say where the token lies."""
        self._say(
            tr(
                "The token isn't encrypted, since QGIS has no master password: whoever reads the settings of this "
                "profile knows it. Set one under Options > Authentication and give the token again."
            )
        )

    def check(self) -> None:
        """Try the engine of the fields, in a thread; its answer appears below the button."""
        self.stop_check()
        settings, token, proxies = self.settings, self.token, read_proxies()
        self._check = Check()
        self._check.ended.connect(self._on_checked)
        self.check_button.setEnabled(False)
        self._say(tr("Starting the backend and waiting for its answer…"))
        self._check.start(lambda: engine_of(settings, token, proxies))

    def stop_check(self) -> None:
        """Lose interest in a check that goes on."""
        if self._check is not None:
            self._check.ended.disconnect()
            self._check.stop()
        self._check = None

    def closeEvent(self, event: object) -> None:
        """Leave nothing running."""
        self.stop_check()

    def _make_fields(self, settings: PluginSettings, token: str) -> None:
        self.backend = QComboBox()
        for key, text in (
            (Backend.AUTO, tr("on the server if it answers, else on this machine")),
            (Backend.LOCAL, tr("on this machine")),
            (Backend.SERVER, tr("on the server")),
        ):
            self.backend.addItem(text, key)
        self.backend.setCurrentIndex(max(0, self.backend.findData(settings.backend)))
        self.python = _file(settings.python, QgsFileWidget.StorageMode.GetFile, tr("Python with the backend"))
        self.source_folder = _file(
            settings.source_folder, QgsFileWidget.StorageMode.GetDirectory, tr("Folder that holds sam_backend")
        )
        self.model = _text(settings.model, tr("the backend's default, or a name or file of weights"))
        self.device = _text(settings.device, tr("the best there is, or cpu, cuda ..."))
        self.server_url = _text(settings.server_url, "http://gpu.example.org:9090")
        self.token_field = QgsPasswordLineEdit()
        self.token_field.setText(token)
        self.token_field.setPlaceholderText(tr("where the server wants one"))
        self.shared_folders = _text(settings.shared_folders, tr("/data; /mnt/data=/data (here=there)"))
        self.check_button = QPushButton(tr("Check"))
        self.check_button.clicked.connect(self.check)
        self.answer = QLabel()
        self.answer.setWordWrap(True)

    def _local_box(self) -> QGroupBox:
        self._local = _box(
            tr("This machine"),
            (tr("Python"), self.python),
            (tr("Source folder, if not installed"), self.source_folder),
            (tr("Model"), self.model),
            (tr("Device"), self.device),
        )
        return self._local

    def _server_box(self) -> QGroupBox:
        self._server = _box(
            tr("Server"),
            (tr("URL"), self.server_url),
            (tr("Token"), self.token_field),
            (tr("Folders it sees too"), self.shared_folders),
        )
        return self._server

    def _check_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.check_button)
        row.addWidget(QLabel(tr("tries what is named here; nothing is kept until you press OK")), 1)
        return row

    def _show_what_counts(self) -> None:
        self._local.setEnabled(self.backend.currentData() != Backend.SERVER)
        self._server.setEnabled(self.backend.currentData() != Backend.LOCAL)

    def _on_checked(self, is_fine: bool, text: str) -> None:
        self.check_button.setEnabled(True)
        self._say(f"✓ {text}" if is_fine else f"✗ {text}")

    def _say(self, text: str) -> None:
        self.answer.setText(text)


def engine_of(settings: PluginSettings, token: str, proxies: dict[str, str] | None) -> Engine:
    """An engine for a check; may be called in any thread.

    Raises:
        EngineError: the fields name none.
    """
    if settings.backend == Backend.SERVER or (settings.backend == Backend.AUTO and settings.server_url):
        if not settings.server_url:
            raise EngineError(ErrorKind.NOT_SET_UP, tr("there is no URL of a server: name one, or choose this machine"))
        return Server(settings.server_url, token, settings.shared_folders, proxies)
    if not settings.python:
        raise EngineError(
            ErrorKind.NOT_SET_UP,
            tr("there is no Python: name one that has the backend, or run 'Backend status and set-up' of the toolbox"),
        )
    return LocalWorker(settings.python, settings.source_folder, settings.model, settings.device)


def _box(title: str, *rows: tuple[str, QWidget]) -> QGroupBox:
    box = QGroupBox(title)
    box.setLayout(_rows(*rows))
    return box


def _rows(*rows: tuple[str, QWidget]) -> QFormLayout:
    form = QFormLayout()
    for label, widget in rows:
        form.addRow(label, widget)
    return form


def _text(value: str, placeholder: str) -> QLineEdit:
    line = QLineEdit(value)
    line.setPlaceholderText(placeholder)
    return line


def _file(path: str, mode: QgsFileWidget.StorageMode, title: str) -> QgsFileWidget:
    widget = QgsFileWidget()
    widget.setStorageMode(mode)
    widget.setDialogTitle(title)
    widget.setFilePath(path)
    return widget
