"""Precomputes a project again and again, kills it at random moments, goes on with it, and compares the caches.

A program of its own: it forks before PyTorch has started any thread, so that each run costs no start-up. Kills are
aimed by how much is in the cache, since time says little on a busy machine.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from cache_contents import contents

from sam_backend.__main__ import main

N_KILLS = 2
"""Of each cache, one after the other."""


def compare(project: str, folder: Path, n_times: int) -> None:
    torch.set_num_threads(1)
    assert in_child(project, folder / "whole") == 0
    wanted = contents(folder / "whole")
    rng = np.random.default_rng(0)
    n_kills = n_partial = 0
    for index in range(n_times):
        cache = folder / f"run{index}"
        for n_there in sorted(rng.integers(0, len(wanted), N_KILLS)):
            status = in_child(project, cache, kill_at=n_there, kill_after_s=rng.uniform(0, 0.02))
            n_kills += status == signal.SIGKILL
            n_partial += 0 < n_values(cache) < len(wanted)
        make_old(cache)
        assert in_child(project, cache) == 0
        assert contents(cache) == wanted, f"run {index} came to another cache"
    sys.stdout.write(f"{n_kills} kills, {n_partial} in the midst of it, {len(wanted)} values each\n")


def n_values(cache: Path) -> int:
    return len(list((cache / "values").iterdir())) if (cache / "values").exists() else 0


def make_old(cache: Path) -> None:
    """As if the kill were a while ago: what was just begun isn't tidied up, since its writer may be alive."""
    for left in (cache / "unfinished").glob("*"):
        os.utime(left, (0, 0))


def in_child(project: str, cache: Path, kill_at: int | None = None, kill_after_s: float = 0.0) -> int:
    """Run the command in a process of its own; its status, or the signal that ended it.

    It is killed some time after the cache holds more than ``kill_at`` values.
    """
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main(["precompute", "--project", project, "--cache-url", f"file://{cache}"]))
    while kill_at is not None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if n_values(cache) > kill_at:
            time.sleep(kill_after_s)
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.001)
    return os.waitpid(child, 0)[1]


if __name__ == "__main__":
    compare(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
