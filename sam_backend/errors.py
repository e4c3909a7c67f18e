"""Every error a caller can act on: one root, a class per kind of remedy.

Messages are one sentence that says what came, what was wanted and what to do.
"""


class SamBackendError(Exception):
    """Root of every error this package raises on purpose."""


class PromptError(SamBackendError, ValueError):
    """A point, box or mask prompt that can't be used: wrong shape, outside the picture, without area."""


class ImageError(SamBackendError, ValueError):
    """A file or array that is no picture, or one of a kind or size that can't be used."""


class MaskError(SamBackendError, ValueError):
    """A mask, or an encoding of one, that is damaged or of the wrong shape."""


class CheckpointError(SamBackendError, ValueError):
    """Weights that can't be found, read or matched to a network of the family."""


class StorageError(SamBackendError, OSError):
    """Files that can't be written: no room, no permission, no such place."""


class DeviceError(SamBackendError, ValueError):
    """A device or number type that this machine or this PyTorch build doesn't have."""


class RasterError(SamBackendError, ValueError):
    """A georeferenced raster that can't be read, or a place that isn't in it."""


class LayerError(SamBackendError, ValueError):
    """A vector layer that can't be read, or whose features can't be placed on the raster."""


class DatasetError(SamBackendError, ValueError):
    """Training or evaluation data that is missing, empty or damaged."""


class SettingsError(SamBackendError, ValueError):
    """A setting of the service or of a training run with a value that makes no sense."""


class OptionsError(SamBackendError, ValueError):
    """An option of the automatic mask generation with a value that makes no sense."""


class RequestError(SamBackendError, ValueError):
    """A request of a client, such as a Label Studio server, that can't be understood."""


class CancelledError(SamBackendError):
    """Work that somebody doesn't want any more."""


class UnavailableError(SamBackendError):
    """What is asked for isn't there yet, or there is no room for one more: ask again in a moment."""


class ImageSourceError(SamBackendError):
    """A picture of a task that couldn't be fetched: unreachable, refused, too large, not allowed."""


class UnreachableError(ImageSourceError):
    """A server that gave no answer: it may do so in a moment."""


class StudioError(SamBackendError):
    """Label Studio won't do what it was asked, or answers what can't be used."""


class MissingExtraError(SamBackendError, ImportError):
    """A library that only some commands need and that isn't installed."""


class ClusterError(SamBackendError):
    """Machines that were to work on a run: out of reach, or not ready for it."""
