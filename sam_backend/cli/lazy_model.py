"""The model that a command works with, loaded when it is first needed."""

from __future__ import annotations

from functools import cache, partial

from sam_backend.model.checkpoint import checkpoint_name, checkpoint_version
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.service.model_loader import ModelSource
from sam_backend.service.versions.learning import Learning
from sam_backend.settings import Settings


class LazyModel:
    """Loads a model once; what isn't asked for isn't loaded."""

    def __init__(self, source: ModelSource) -> None:
        """Remember where it comes from; nothing is read yet."""
        self._source = source
        self._read_version = cache(source.read_version)
        self._loaded: Predictor | None = None

    @classmethod
    def of_settings(cls, settings: Settings) -> LazyModel:
        """The model of SAM_MODEL, whose image encoder the versions have that were trained from it."""
        read_version = partial(checkpoint_version, settings.model)
        load = partial(load_sam, settings.model, device=settings.device, dtype=settings.dtype)
        return cls(ModelSource(checkpoint_name(settings.model), read_version, load))

    def version(self) -> str:
        """Of the model that was loaded, or else of the one that would be: its source may fall back to another."""
        return self._read_version() if self._loaded is None else self._loaded.version

    def load(self) -> Predictor:
        """The model itself."""
        if self._loaded is None:
            self._loaded = self._source.load()
        return self._loaded


class ModelInForce(LazyModel):
    """The model that a service with the same settings and data folder answers with."""

    def __init__(self, settings: Settings) -> None:
        """Look which version is in force; its weights aren't read yet."""
        self._learning = Learning.of(settings)
        super().__init__(self._learning.in_force.source())

    def describe(self) -> str:
        """Which one it is, and why that one; reads its version."""
        version, problem, name = self.version(), self._learning.in_force.problem, self._learning.book.in_force()
        if problem is not None:
            return f"{version}, the model of SAM_MODEL ({problem})"
        folder = self._learning.settings.data_folder
        if name is None:
            return f"{version}, the model of SAM_MODEL (no trained version is in force in {folder})"
        return f"{version}, in force in {folder}"
