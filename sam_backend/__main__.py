"""``python -m sam_backend COMMAND``: the command line."""

from __future__ import annotations

import argparse
import errno
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from sam_backend.cli import (
    automatic,
    checkpoints,
    doctor,
    evaluate,
    ledger,
    preannotate,
    precompute,
    raster,
    refilter,
    segment,
    settings,
    studio,
    train,
    versions,
    worker,
)
from sam_backend.errors import SamBackendError
from sam_backend.predict.heap import use_one_heap

COMMANDS = (
    segment,
    automatic,
    raster,
    refilter,
    train,
    versions,
    evaluate,
    checkpoints,
    doctor,
    settings,
    precompute,
    preannotate,
    ledger,
    studio,
    worker,
)
EXIT_BAD_INPUT = 2
FULL = {errno.ENOSPC, errno.EDQUOT}


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, f"error: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; bad input, or a file that can't be used, gives one line on stderr and exit code 2."""
    parser = _OneLineParser(prog="python -m sam_backend", description="Segment Anything where people work.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    arguments = parser.parse_args(_bind_negative_numbers(sys.argv[1:] if argv is None else argv))
    use_one_heap()
    try:
        code: int = arguments.run(arguments)
    except SamBackendError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return EXIT_BAD_INPUT
    except OSError as error:
        if not _is_about_a_place(error):
            raise
        print(f"error: {_place_sentence(error)}", file=sys.stderr)  # noqa: T201 - a command line prints
        return EXIT_BAD_INPUT
    return code


def _is_about_a_place(error: OSError) -> bool:
    """Whether the system refused a file that it names, or has no room. All else is a defect, and keeps its trace."""
    return error.errno is not None and (error.filename is not None or error.errno in FULL)


def _place_sentence(error: OSError) -> str:
    if error.errno in FULL:
        return (
            f"there is no room for {error.filename or 'what is written'} ({error.strerror}): make some, and run again"
        )
    return f"{error.filename} can't be read or written ({error.strerror}): give another place, or the right to use it"


def _bind_negative_numbers(argv: Sequence[str]) -> list[str]:
    """Make ``--box -77.1,38.9,...`` one word: argparse takes a western longitude for an option."""
    bound: list[str] = []
    for word in argv:
        if bound and bound[-1].startswith("--") and re.match(r"-[\d.]+,", word):
            bound[-1] += f"={word}"
        else:
            bound.append(word)
    return bound


if __name__ == "__main__":
    sys.exit(main())
