"""Which model answers: the version that the pointer names, or else the settings' own."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from functools import partial

from sam_backend.errors import CheckpointError, SamBackendError
from sam_backend.model.checkpoint import checkpoint_name, checkpoint_version
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.service.event_log import log_event
from sam_backend.service.model_loader import ModelSource
from sam_backend.service.versions.book import VersionBook
from sam_backend.settings import Settings


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
        attempt = _Attempt(ModelSource(name, partial(self._check, name), partial(self._load_version, name)), own)
        return ModelSource(
            name, partial(attempt.read_version, self._say_problem), partial(attempt.load, self._say_problem)
        )

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

    def _say_problem(self, error: SamBackendError) -> None:
        self.problem = f"{error}; the settings' model answers instead"
        log_event("version_failed", level=logging.ERROR, error=self.problem)


class _Attempt:
    """A model, or another one if it fails."""

    def __init__(self, first: ModelSource, second: ModelSource) -> None:
        self._first = first
        self._second = second
        self._has_failed = False

    def read_version(self, on_failure: Callable[[SamBackendError], None]) -> str:
        try:
            return self._first.read_version()
        except SamBackendError as error:
            self._has_failed = True
            on_failure(error)
            return self._second.read_version()

    def load(self, on_failure: Callable[[SamBackendError], None]) -> Predictor:
        try:
            if not self._has_failed:
                return self._first.load()
        except SamBackendError as error:
            on_failure(error)
        return self._second.load()
