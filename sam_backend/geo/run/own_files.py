"""What a run writes must be none of the files that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, combinations, product
from pathlib import Path

from sam_backend.errors import OptionsError


def check_apart(written: Mapping[str, Path], read: Mapping[str, Path | None]) -> None:
    """Make sure that nothing is written over what is read, or over something else that is written.

    Args:
        written: files by what they are to the user.
        read: the same of those that must stay; None where there is none.

    Raises:
        OptionsError: two of them are one file, by whatever names, links included.
    """
    kept = [(name, path) for name, path in read.items() if path is not None]
    for (name, path), (other_name, other) in chain(product(written.items(), kept), combinations(written.items(), 2)):
        if _is_one_file(path, other):
            raise OptionsError(
                f"the {name} {path} is the {other_name} too, which would be overwritten: give the {name} another name"
            )


def _is_one_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
