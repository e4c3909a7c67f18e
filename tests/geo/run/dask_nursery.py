"""Starts dask schedulers and workers, each a process of its own: one line of JSON in, its number and address out.

A program of its own: it forks after the slow imports and before PyTorch has started any thread, so that a worker is
there at once. All end with it, and it ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import dask
import torch
from distributed import Scheduler, Worker

import sam_backend.geo.run.cluster.tile_work  # noqa: F401 - imported once, for all workers


def main() -> None:
    torch.set_num_threads(1)  # as dask has it: all processes compute the same to the last bit
    children = []
    try:
        for line in sys.stdin:
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reading)
                asyncio.run(serve(json.loads(line), writing))
                os._exit(0)
            children.append(child)
            os.close(writing)
            with os.fdopen(reading) as told:
                sys.stdout.write(json.dumps([child, told.readline().strip()]) + "\n")
                sys.stdout.flush()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


async def serve(wanted: dict[str, Any], writing: int) -> None:
    dask.config.set(wanted.pop("config", {}))
    address = wanted.pop("scheduler", None)
    if address is None:
        server: Any = Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address=":0")
    else:
        local_directory = str(Path(wanted.pop("folder")) / str(os.getpid()))
        server = Worker(address, dashboard=False, local_directory=local_directory, **wanted)
    async with server:
        with os.fdopen(writing, "w") as told:
            told.write(server.address + "\n")
        await server.finished()


if __name__ == "__main__":
    main()
