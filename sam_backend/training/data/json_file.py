"""Reading JSON that people and tools wrote."""

from __future__ import annotations

import json
from pathlib import Path

from sam_backend.errors import DatasetError


def read_json(file: Path) -> object:
    """Read a JSON file.

    Raises:
        DatasetError: it can't be opened, or is no JSON.
    """
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(f"{file} can't be opened: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{file} is no JSON, or cut off ({error}): export it again") from None
