"""The fields of a request, taken one by one; what nobody takes is refused by name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sam_backend.errors import RequestError
from sam_backend.geo.protocol.kinds import FLAG, PATH, Kind
from sam_backend.geo.protocol.options import Option
from sam_backend.geo.protocol.paths import FindPath

_SHOWN = 60


class Fields:
    """Of one request. A field that is null counts as left out.

    Args:
        operation: what to call the request in an error.
        record: the JSON object.
        find_path: turns the text of a field into a path; see `FindPath`.
    """

    def __init__(self, operation: str, record: Mapping[str, Any], find_path: FindPath) -> None:
        self.operation = operation
        self._left = {name: value for name, value in record.items() if value is not None}
        self._find_path = find_path
        self._known: list[str] = []

    def optional(self, name: str, kind: Kind) -> Any:  # noqa: ANN401 - what the kind reads
        """The value of a field; None where it was left out.

        Raises:
            RequestError: it isn't of the kind.
        """
        self._known.append(name)
        if name not in self._left:
            return None
        value = self._left.pop(name)
        try:
            read = kind.from_json(value)
        except (ValueError, OverflowError):
            raise RequestError(f"{name} must be {kind.wanted}, got {_shown(value)}: {self._cure(name)}") from None
        return self._find_path(name, str(value)) if kind is PATH else read

    def needed(self, name: str, kind: Kind) -> Any:  # noqa: ANN401 - what the kind reads
        """The value of a field.

        Raises:
            RequestError: it was left out, or isn't of the kind.
        """
        value = self.optional(name, kind)
        if value is None:
            raise RequestError(f"{self.operation} came without {name}: give {kind.wanted} there")
        return value

    def flag(self, name: str, *, usual: bool) -> bool:
        """Whether something is wanted."""
        value: bool | None = self.optional(name, FLAG)
        return usual if value is None else value

    def told(self, options: Sequence[Option]) -> dict[str, Any]:
        """The values of options by their names, of those that were told."""
        values = {option.name: self.optional(option.name, option.kind) for option in options}
        return {name: value for name, value in values.items() if value is not None}

    def has(self, name: str) -> bool:
        """Whether a field was given and not yet taken."""
        return name in self._left

    def end(self) -> None:
        """Make sure that nothing is left.

        Raises:
            RequestError: a field that nobody knows; its name is in the message.
        """
        for name in self._left:
            raise RequestError(f"{self.operation} has no field {_shown(name)}: {self._cure(name)}")

    def _cure(self, name: str) -> str:
        alike = difflib.get_close_matches(name, [one for one in self._known if one != name], n=1, cutoff=0.7)
        return f"leave it out, or did you mean {alike[0]}?" if alike else "correct it or leave it out"


def _shown(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
