"""The way to a dask scheduler, and what to make sure of before a run begins."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from sam_backend.errors import ClusterError, MissingExtraError
from sam_backend.geo.run.cluster.needs import Needs

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 5.0
CHECK_S = 120.0
"""For all workers to read through their weights."""

CLOSE_S = 2.0


def import_distributed() -> ModuleType:
    """The library, imported only where a cluster is asked for.

    Raises:
        MissingExtraError: it isn't installed.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise MissingExtraError(
            "working on several machines needs the library distributed, which isn't installed: "
            "install it with pip install 'sam-backend[scale]'"
        ) from None
    if not import_module("dask").config.get("logging", None):  # what someone has set for themselves stays
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what there is to say is said here, in one sentence
    return distributed


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Client]:
    """A connection to a scheduler; whatever it still works on for us when that ends is dropped there.

    Args:
        address: such as ``tcp://host:8786``.

    Raises:
        MissingExtraError: dask.distributed isn't installed.
        ClusterError: no scheduler answers there.
    """
    distributed = import_distributed()
    client: Client = distributed.Client(address, asynchronous=True, timeout=CONNECT_S, set_as_default=False)
    try:
        await client
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        await _close(client)
        reason = str(error).partition("\n")[0]
        raise ClusterError(
            f"no dask scheduler answers at {address} ({reason}): start one with `dask scheduler`, "
            "and give the address that it names"
        ) from None
    try:
        yield client
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await asyncio.wait_for(client.close(CLOSE_S), CLOSE_S)  # type: ignore[no-untyped-call]


def check_workers(address: str, needs: Needs) -> int:
    """Make sure that every worker that is there now can work on a run; how many there are.

    Raises:
        MissingExtraError: dask.distributed isn't installed.
        ClusterError: no scheduler answers, or a worker lacks something; the message names it.
    """
    return asyncio.run(_check_workers(address, needs))


async def _check_workers(address: str, needs: Needs) -> int:
    async with connected(address) as client:
        try:
            found = await asyncio.wait_for(client.run(fault_of, needs, on_error="return"), CHECK_S)
        except (OSError, asyncio.TimeoutError) as error:
            raise ClusterError(
                f"the workers of {address} don't answer ({error or 'timed out'}): see whether they are well, "
                "and begin again"
            ) from None
    faults = {worker: fault for worker, fault in sorted(found.items()) if fault is not None}
    for worker, fault in faults.items():
        others = f" (nor can {len(faults) - 1} others of {len(found)})" if len(faults) > 1 else ""
        raise ClusterError(f"the worker {worker} can't work on this run{others}: {_sentence(fault)}")
    return len(found)


async def fault_of(needs: Needs) -> str | None:
    """Asked of a worker, which goes on with other things meanwhile."""
    return await asyncio.to_thread(needs.fault)


def _sentence(fault: str | Exception) -> str:
    if isinstance(fault, str):
        return fault
    return f"{type(fault).__name__}: {fault}: install this same version of sam-backend there"
