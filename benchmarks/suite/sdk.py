"""The Label Studio SDK's brush codec, in a process of its own: it can't share an environment with the others."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORKER = Path(__file__).with_name("sdk_worker.py")


@dataclass(eq=False)
class SdkBrush:
    """Answers with the seconds that the SDK itself took; the way to its process isn't counted."""

    python: Path
    """Of the environment that has ``label_studio_sdk``."""

    def __enter__(self) -> SdkBrush:
        """Start the process."""
        # Isolated from its folder, where modules have names of Python's own.
        command = [str(self.python), "-I", str(WORKER)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._process.communicate()
        self._folder.cleanup()

    def encode_s(self, mask: NDArray[np.bool_]) -> float:
        """Seconds that ``mask2rle`` takes for a mask (h, w)."""
        return float(self._ask("encode", mask)["seconds"])

    def rle(self, mask: NDArray[np.bool_]) -> list[int]:
        """What ``mask2rle`` makes of it."""
        rle: list[int] = self._ask("encode", mask)["rle"]
        return rle

    def decode_s(self, rle: list[int]) -> float:
        """Seconds that ``decode_rle`` takes."""
        return float(self._ask("decode", np.array(rle, np.uint8))["seconds"])

    def _ask(self, what: str, array: NDArray[Any]) -> dict[str, Any]:
        path = Path(self._folder.name, "order.npy")
        np.save(path, array)
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the SDK's process has no pipes")
        print(json.dumps({"do": what, "path": str(path)}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the SDK's process ended: see its message above")
        answer: dict[str, Any] = json.loads(line)
        return answer
