"""What a machine must have before it can work on a run: the same raster and the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import ClusterError, SamBackendError
from sam_backend.model.checkpoint import checkpoint_version
from sam_backend.predict.predictor import Predictor, load_sam


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where each process finds the weights for itself."""

    checkpoint: str
    """A name, or the absolute path of a file."""

    device: str
    """As `load_sam` has it: ``auto`` is each machine's best."""

    dtype: str
    compiled: bool

    version: str
    """Of the weights that the run is done with: name and digest."""

    @classmethod
    def of(cls, path_or_name: str, device: str, dtype: str, *, compiled: bool, version: str) -> ModelSource:
        """The same arguments as `load_sam`; a path is made absolute, since workers run in other folders."""
        path = Path(path_or_name)
        return cls(str(path.resolve()) if path.is_file() else path_or_name, device, dtype, compiled, version)

    def check(self) -> None:
        """Make sure that this machine has these weights.

        Raises:
            CheckpointError: it has none.
            ClusterError: it has others; the message names both.
        """
        found = checkpoint_version(self.checkpoint)
        if found != self.version:
            raise ClusterError(
                f"its weights are {found}, those of the run are {self.version}: give every machine the same"
            )

    def load(self) -> Predictor:
        """Load them.

        Raises:
            SamBackendError: this machine has none, or others, or not the device.
        """
        self.check()
        return load_sam(self.checkpoint, self.device, self.dtype, compiled=self.compiled)


@dataclass(frozen=True, slots=True)
class Needs:
    """What to look for on a machine."""

    raster: str
    """Absolute path, the same on every machine."""

    n_bytes: int
    """Of the raster."""

    model: ModelSource

    @classmethod
    def of(cls, raster: Path, model: ModelSource) -> Needs:
        """Of a raster that can be read here.

        Raises:
            OSError: it can't.
        """
        return cls(str(raster.resolve()), raster.stat().st_size, model)

    def check(self) -> None:
        """Make sure that this machine has it all.

        Raises:
            SamBackendError: the message says what is missing.
        """
        try:
            n_bytes = Path(self.raster).stat().st_size
        except OSError as error:
            raise ClusterError(
                f"{self.raster} can't be read there ({error.strerror}): let every machine see it under this path"
            ) from None
        if n_bytes != self.n_bytes:
            raise ClusterError(
                f"{self.raster} has {n_bytes} bytes there and {self.n_bytes} here: give every machine the same file"
            )
        self.model.check()

    def fault(self) -> str | None:
        """What `check` finds missing, as a sentence; None if nothing."""
        try:
            self.check()
        except SamBackendError as error:
            return str(error)
        return None
