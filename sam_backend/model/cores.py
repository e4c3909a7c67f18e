"""Parts of one job side by side, each on a core of its own; parts of parts stay on that core.

PyTorch splits every operation among all cores and waits until all are done. That suits an encoder; the decoder has some
hundred operations a prompt on matrices too narrow to split well, so prompts are dealt out instead.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")
Result = TypeVar("Result")


def map_on_cores(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """``[work(part) for part in parts]``, with as many parts at once as the calling thread may use cores.

    A single part keeps them all. Each part is in the caller's mode of inference and gradients.
    """
    n_cores = torch.get_num_threads()
    if n_cores == 1 or len(parts) < 2:
        return [work(part) for part in parts]
    is_inference, has_gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()  # a thread's own affair

    def in_its_mode(part: Part) -> Result:
        with torch.inference_mode(is_inference), torch.set_grad_enabled(has_gradients):
            return work(part)

    return list(_team(n_cores).map(in_its_mode, parts))


@cache
def _team(n_cores: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_cores, thread_name_prefix="core", initializer=_keep_to_one_core)


def _keep_to_one_core() -> None:
    """Limit PyTorch in this thread alone, which `torch.set_num_threads` can't."""
    torch.get_num_threads()  # a thread's first question to PyTorch resets its limit
    ThreadpoolController().limit(limits=1, user_api="openmp")
    if (mkl := mkl_of_pytorch()) is not None:
        mkl.MKL_Set_Num_Threads_Local(1)


def mkl_of_pytorch() -> Any:  # noqa: ANN401 - ctypes makes functions as they are asked for
    """PyTorch's own MKL: after `torch.set_num_threads` it takes so many for each product, whatever OpenMP is told.

    None where PyTorch has none, or hides it.
    """
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"))
        return library if library.MKL_Set_Num_Threads_Local else None
    except (AttributeError, OSError):
        return None


os.register_at_fork(after_in_child=_team.cache_clear)  # threads don't survive a fork
