"""Which model answers: the version that the pointer names, or else the settings' own."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sam_backend.errors import CheckpointError, SamBackendError
from sam_backend.model.checkpoint import checkpoint_name, checkpoint_version
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.service.event_log import log_event
from sam_backend.service.model_loader import ModelSource
from sam_backend.service.versions.book import VersionBook
from sam_backend.settings import Settings

T = TypeVar("T")


class InForce:
    """Chooses the model of one service. Whatever is wrong with a version, the settings' model answers instead."""

    def __init__(self, book: VersionBook, settings: Settings) -> None:
        """Remember where versions are; nothing is read yet."""
        self._book = book
        self._settings = settings
        self.problem: str | None = None
        """Why the version that the pointer names doesn't answer."""

    def source(self) -> ModelSource:
        """The model to load now."""
        self.problem = None
        own = ModelSource(
            name=checkpoint_name(self._settings.model),
            read_version=partial(checkpoint_version, self._settings.model),
            load=partial(self._load, self._settings.model),
        )
        name = self._book.in_force()
        if name is None:
            return own
        version = ModelSource(name, partial(self._check, name), partial(self._load_version, name))
        attempt = _Attempt(version, own, self._say_problem)
        return ModelSource(name, attempt.read_version, attempt.load)

    def _check(self, name: str) -> str:
        """The version of weights that are whole, and that the settings' model was tuned to."""
        version = self._book.read(name)
        own = checkpoint_version(self._settings.model)
        if version.base != own:
            raise CheckpointError(
                f"{name} was trained from {version.base}, but SAM_MODEL is {own}: set SAM_MODEL back, or train again"
            )
        found = checkpoint_version(str(self._book.weights(name)))
        if found != version.model_version:
            raise CheckpointError(f"the weights of {name} are damaged: they were {version.model_version}, now {found}")
        return found

    def _load_version(self, name: str) -> Predictor:
        predictor = self._load(str(self._book.weights(name)))
        base = self._book.read(name).base
        return dataclasses.replace(predictor, encoder_version=base or predictor.version)

    def _load(self, path_or_name: str) -> Predictor:
        return load_sam(path_or_name, device=self._settings.device, dtype=self._settings.dtype)

    def _say_problem(self, problem: str) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        log_event("version_failed", level=logging.ERROR, error=problem)


class _Attempt:
    """A version, or the settings' model if it fails, whatever with: a graphics card too small for two models, say."""

    def __init__(self, version: ModelSource, own: ModelSource, say_problem: Callable[[str], None]) -> None:
        self._version = version
        self._own = own
        self._say_problem = say_problem
        self._failure: str | None = None

    def read_version(self) -> str:
        try:
            return self._version.read_version()
        except Exception as error:  # noqa: BLE001 - as in `load`
            self._failure = self._reason(error)
        return self._instead(self._own.read_version)

    def load(self) -> Predictor:
        if self._failure is None:
            try:
                return self._version.load()
            except Exception as error:  # noqa: BLE001 - nothing about a version may keep the service from answering
                self._failure = self._reason(error)
        return self._instead(self._own.load)  # here the error is gone, and with it the memory that its frames held

    def _instead(self, read: Callable[[], T]) -> T:
        try:
            found = read()
        except Exception as error:
            instead = f"the settings' model can't answer instead ({_first_line(error)}), so all stays as it was"
            self._say_problem(f"{self._failure}; {instead}")
            raise
        self._say_problem(f"{self._failure}; the settings' model answers instead")
        return found

    def _reason(self, error: Exception) -> str:
        if isinstance(error, SamBackendError):
            return str(error)
        name = self._version.name
        cure = f"see to that, and `python -m sam_backend versions use {name}` tries again"
        return f"{name} can't be loaded ({_first_line(error)}): {cure}"


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()[:1]
    return ": ".join(lines if isinstance(error, SamBackendError) else [type(error).__name__, *lines])
