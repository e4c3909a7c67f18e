"""``worker``: the raster engine for another program, which speaks to it in lines of JSON."""

from __future__ import annotations

import argparse
from functools import partial
from typing import NoReturn

from sam_backend.model.checkpoint import EMBEDDED_NAME, OFFICIAL_FILES, checkpoint_name, checkpoint_version
from sam_backend.predict.predictor import DTYPES, load_sam
from sam_backend.service.model_loader import ModelLoader
from sam_backend.service.worker.process import serve_process


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("worker", help="the raster engine for another program: requests in, events out")
    names = ", ".join(OFFICIAL_FILES)
    parser.add_argument("--model", default=EMBEDDED_NAME, help=f"a file, or embedded (default), {names}")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    parser.add_argument("--dtype", default="float32", choices=tuple(DTYPES))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> NoReturn:
    """Serve until the standard input ends; see docs/raster-protocol.md."""
    model = arguments.model
    serve_process(
        partial(
            ModelLoader,
            name=checkpoint_name(model),
            read_version=partial(checkpoint_version, model),
            load=partial(load_sam, model, device=arguments.device, dtype=arguments.dtype),
        )
    )
