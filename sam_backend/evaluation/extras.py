"""Libraries that only the evaluation needs, imported when they are."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from sam_backend.errors import MissingExtraError


def import_extra(module: str) -> ModuleType:
    """Import a module of the extra ``eval``.

    Raises:
        MissingExtraError: it isn't installed.
    """
    try:
        return import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise MissingExtraError(
            f"this needs the library {library}, which isn't installed: pip install 'sam-backend[eval]'"
        ) from None
