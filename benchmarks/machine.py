"""What a figure was measured on, in one line for a report."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def describe_machine() -> str:
    """Processor, cores, instruction class, PyTorch, and how busy the machine was: a share of time that others took."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}; "
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; Python {platform.python_version()}; "
        f"{_load()} when it began"
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _load() -> str:
    """Quiet is below 0.3: whoever reads times should know."""
    one_minute = os.getloadavg()[0]
    return f"{one_minute:.1f} other processes wanted a core" if one_minute >= 0.3 else "nothing else ran"
