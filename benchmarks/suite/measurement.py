"""What one case of one part gave, as it is kept in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

OURS, OFFICIAL, TRANSFORMERS = "ours", "official", "transformers"
SDK, PYCOCOTOOLS = "Label Studio SDK", "pycocotools"


@dataclass(frozen=True, slots=True)
class Measurement:
    """The same work done by each contender."""

    part: str
    case: str

    seconds: dict[str, list[float]]
    """Of each turn, by contender."""

    peak_mb: dict[str, float] = field(default_factory=dict)
    """Above what the process, with its networks, held before."""

    gemm_gflops: float = 0.0
    """Of the matrix products in between."""

    gflop: float | None = None
    at: float | None = None
    remarks: tuple[str, ...] = ()

    def median_s(self, contender: str) -> float:
        """Seconds, NaN where the contender has no part in it."""
        taken = self.seconds.get(contender)
        return median(taken) if taken else float("nan")

    def ratio(self, contender: str) -> float:
        """How many times as long as ours."""
        return self.median_s(contender) / self.median_s(OURS)

    def gemm_share(self, contender: str) -> float:
        """Its rate of the work needed, as a share of the matrix product's; NaN where either isn't known."""
        return (self.gflop or float("nan")) / self.median_s(contender) / (self.gemm_gflops or float("nan"))


def read(path: Path) -> list[Measurement]:
    """What an earlier run kept, nothing where there was none."""
    if not path.exists():
        return []
    return [Measurement(**{**one, "remarks": tuple(one["remarks"])}) for one in json.loads(path.read_text())]


def write(measurements: Iterable[Measurement], path: Path) -> None:
    """Keep them for the report, and for a later run of other parts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in measurements], indent=1) + "\n")
