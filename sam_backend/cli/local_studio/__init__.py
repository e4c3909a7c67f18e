"""A real Label Studio beside the backend on one machine, with a project to click in: what ``studio`` is made of."""

from sam_backend.errors import SamBackendError


class LocalStudioError(SamBackendError):
    """Label Studio, or the backend beside it, can't be installed, started or set up."""
