"""What ``raster`` and ``refilter`` can be told: the protocol's options, as words of a command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sam_backend.geo.protocol.kinds import FLAG, Kind
from sam_backend.geo.protocol.options import (
    AUTOMATIC,
    GRID,
    JOURNAL_ENDING,
    PIXELS,
    PROMPTS,
    RESULTS,
    Option,
    result_options,
    run_request,
)
from sam_backend.geo.run.whole_run import RunJob, Start


def add_run(group: argparse._ArgumentGroup) -> None:
    """Add what a run is about, and how to go on with one."""
    _add(group, (*PROMPTS, *GRID))
    group.add_argument("--no-heal", dest="heal", action="store_false", help="take no second look at cut objects")
    group.add_argument("--resume", action="store_true", help="go on with the run whose journal lies there")
    group.add_argument("--restart", action="store_true", help="begin anew though a journal lies there")
    group.add_argument("--journal", type=Path, metavar="FILE", help=f"where the run is kept (OUT{JOURNAL_ENDING})")


def add_reading(group: argparse._ArgumentGroup) -> None:
    """Add how pixels become what the model sees."""
    _add(group, PIXELS)


def add_automatic(group: argparse._ArgumentGroup) -> None:
    """Add the options of the automatic masks that matter for tiles."""
    _add(group, AUTOMATIC)


def add_results(group: argparse._ArgumentGroup) -> None:
    """Add which objects are written, and how they are drawn."""
    _add(group, RESULTS)


def run_job(arguments: argparse.Namespace) -> RunJob:
    """The run that was asked for.

    Raises:
        OptionsError: a value makes no sense.
    """
    told = vars(arguments)
    start = Start.RESUME if arguments.resume else Start.RESTART if arguments.restart else Start.NEW
    return RunJob(
        request=run_request(arguments.raster, arguments.output, arguments.journal, told),
        output=arguments.output,
        results=result_options(told),
        start=start,
        heals=arguments.heal,
    )


def told_of_runs(arguments: argparse.Namespace) -> list[str]:
    """The options that only a whole run heeds, of those that were told, as they are typed."""
    told = vars(arguments)
    names = [option.name for option in (*PROMPTS, *GRID, *AUTOMATIC, *RESULTS)]
    given = [name for name in (*names, "journal", "scheduler") if told[name] is not None]
    given += [name for name in ("resume", "restart") if told[name]]
    return [_word(name) for name in given] + ["--no-heal"] * (not told["heal"])


def _word(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add(group: argparse._ArgumentGroup, options: Iterable[Option]) -> None:
    for option in options:
        word, text = _word(option.name), option.help.replace("%", "%%")
        if option.kind is FLAG:
            group.add_argument(word, action="store_true", default=None, help=text)
        else:
            group.add_argument(word, type=_reader(option.kind), metavar=option.metavar, help=text)


def _reader(kind: Kind) -> Callable[[str], Any]:
    def read(text: str) -> Any:  # noqa: ANN401 - what the kind reads
        try:
            return kind.from_text(text)
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError(f"{text!r} isn't {kind.wanted}") from None

    return read
