"""How an algorithm that waits learns that it was stopped."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QThread


def is_stopped(feedback: QgsProcessingFeedback) -> bool:
    """Whether the user stopped it; asked now and then while something else works.

    Without windows an algorithm waits in the main thread, where `qgis_process` hears Ctrl-C as a Qt event only.
    """
    application = QCoreApplication.instance()
    if application is not None and application.thread() == QThread.currentThread():
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    return bool(feedback.isCanceled())
