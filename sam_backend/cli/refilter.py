"""``refilter``: the objects of a raster run merged, filtered and drawn anew, without the model."""

from __future__ import annotations

import argparse
from pathlib import Path

from sam_backend.cli.raster_arguments import add_results
from sam_backend.cli.raster_report import tell_results
from sam_backend.geo.protocol.options import result_options
from sam_backend.geo.run.journal import Journal
from sam_backend.geo.run.results import write_results


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("refilter", help="write the objects of a raster run anew, without the model")
    parser.add_argument("journal", type=Path, metavar="JOURNAL", help="of the run, beside its output")
    parser.add_argument("output", type=Path, metavar="OUT", help="as of raster")
    add_results(parser.add_argument_group("results"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write a run's objects anew."""
    journal = Journal.open_existing(arguments.journal)
    tell_results(write_results(journal, arguments.output, result_options(vars(arguments))), arguments.output)
    return 0
