"""All masks of a picture: the official generator beside ours, in parts, with every pixel compared."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from segment_anything import SamAutomaticMaskGenerator

from benchmarks.suite.agreement import compare_records
from benchmarks.suite.measurement import OFFICIAL, OURS, Measurement
from benchmarks.suite.memory import peak_mb_of
from benchmarks.suite.realistic import automatic_options
from benchmarks.suite.scene import picture
from benchmarks.suite.stage import CLICK_GFLOP, ENCODE_GFLOP, Stage
from benchmarks.suite.turns import gemm_gflops
from sam_backend.predict.automatic.generator import generate
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.point_masks import PointMasks
from sam_backend.predict.predictor import Predictor

PART = "automatic"
N_TURNS = 3
LARGE_HW = (3000, 4000)
OFFICIAL_POINTS_AT_ONCE_ON_LARGE = 16
OFFICIAL_POINTS_PER_SIDE_ON_LARGE = 8
"""Its time grows with the points and its memory doesn't, so a sixteenth of them tells both."""


@dataclass(slots=True, eq=False)
class Run:
    """One picture's masks and where the time went."""

    records: list[dict[str, Any]]
    encode_s: float
    decode_s: float
    """Of ours only: the official code enlarges its masks within the same call."""

    whole_s: float
    peak_mb: float
    gemm_gflops: float
    features: Any = None

    @property
    def after_encode_s(self) -> float:
        """Decoding, and all that is made of the masks."""
        return self.whole_s - self.encode_s


def measure_automatic(stage: Stage) -> Iterator[Measurement]:
    """Yield the usual picture, then the large one."""
    n = stage.points_per_side
    networks, image = stage.networks, stage.image
    runs: dict[str, list[Run]] = {OURS: [], OFFICIAL: []}
    for _ in range(stage.turns(N_TURNS)):
        runs[OURS].append(run_ours(stage, n))
        runs[OFFICIAL].append(stage.rivals.call(run_official, n))
    ours, official = runs[OURS][0], runs[OFFICIAL][0]
    yield from _as_measurements(
        f"{n} x {n} points, {image.shape[1]} x {image.shape[0]}",
        n,
        runs,
        (stage.adjustment, *compare_records(ours.records, official.records, networks, image, official.features)),
    )
    yield from _measure_large(stage)


def _measure_large(stage: Stage) -> Iterator[Measurement]:
    image = picture((600, 800) if stage.is_quick else LARGE_HW)
    size = f"{image.shape[1]} x {image.shape[0]}"
    n_few, n_all = (2, 4) if stage.is_quick else (OFFICIAL_POINTS_PER_SIDE_ON_LARGE, 32)
    ours = run_ours(stage, n_few, image)
    official = stage.rivals.call(run_official, n_few, image, OFFICIAL_POINTS_AT_ONCE_ON_LARGE)
    yield from _as_measurements(
        f"{n_few} x {n_few} points, {size}",
        n_few,
        {OURS: [ours], OFFICIAL: [official]},
        compare_records(ours.records, official.records, stage.networks, image, official.features),
    )
    yield from _as_measurements(f"{n_all} x {n_all} points, {size}", n_all, {OURS: [run_ours(stage, n_all, image)]}, ())


def _as_measurements(
    case: str, n_per_side: int, runs: dict[str, list[Run]], remarks: Sequence[str]
) -> Iterator[Measurement]:
    """The whole, and what comes after the encoder."""
    gflop = CLICK_GFLOP * n_per_side**2
    rates = [run.gemm_gflops for of_one in runs.values() for run in of_one]
    whole = Measurement(
        PART,
        f"{case}: whole",
        {name: [run.whole_s for run in of_one] for name, of_one in runs.items()},
        {name: max(run.peak_mb for run in of_one) for name, of_one in runs.items()},
        gemm_gflops=float(np.median(rates)),
        gflop=gflop + ENCODE_GFLOP["B"],
        remarks=tuple(remarks),
    )
    yield whole
    after = {name: [run.after_encode_s for run in of_one] for name, of_one in runs.items()}
    yield replace(whole, case=f"{case}: without encode", seconds=after, gflop=gflop, peak_mb={}, remarks=())


class TimedModel:
    """Our predictor, with a clock."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.encode_s = 0.0
        self.decode_s = 0.0

    def embed(self, image: NDArray[np.uint8]) -> Embedding:
        """See `Predictor.embed`."""
        started = time.perf_counter()
        embedding = self._predictor.embed(image)
        self.encode_s += time.perf_counter() - started
        return embedding

    def decode_points(self, embedding: Embedding, points_xy: NDArray[np.float64], iou_above: float) -> PointMasks:
        """See `Predictor.decode_points`."""
        started = time.perf_counter()
        masks = self._predictor.decode_points(embedding, points_xy, iou_above)
        self.decode_s += time.perf_counter() - started
        return masks


def run_ours(stage: Stage, n_per_side: int, image: NDArray[np.uint8] | None = None) -> Run:
    """Ours, with the options of `automatic_options`, up to COCO RLEs, of the stage's picture or another."""
    model, image = TimedModel(stage.networks.ours), stage.image if image is None else image
    options = automatic_options(n_per_side)
    run = _timed(lambda: [record.to_dict("coco_rle") for record in generate(model, image, options)])
    run.encode_s, run.decode_s = model.encode_s, model.decode_s
    return run


def run_official(
    stage: Stage, n_per_side: int, image: NDArray[np.uint8] | None = None, points_at_once: int = 64
) -> Run:
    """The official one, with the same options, up to COCO RLEs."""
    image, options = stage.image if image is None else image, automatic_options(n_per_side)
    generator = SamAutomaticMaskGenerator(
        stage.networks.official,
        points_per_side=options.points_per_side,
        points_per_batch=points_at_once,
        stability_score_offset=options.stability_score_offset,
        output_mode="coco_rle",
    )
    encode, kept = generator.predictor.set_image, {"s": 0.0}

    def timed_encode(picture: NDArray[np.uint8]) -> None:
        started = time.perf_counter()
        encode(picture)
        kept["s"] += time.perf_counter() - started
        kept["features"] = generator.predictor.features

    generator.predictor.set_image = timed_encode
    run = _timed(lambda: generator.generate(image))
    run.encode_s, run.features = kept["s"], kept["features"]
    return run


def _timed(generate_records: Any) -> Run:  # noqa: ANN401
    found: list[Any] = []
    before = gemm_gflops()
    taken: list[float] = []

    def call() -> None:
        started = time.perf_counter()
        found.extend(generate_records())
        taken.append(time.perf_counter() - started)

    peak_mb = peak_mb_of(call)
    rate = (before + gemm_gflops()) / 2
    return Run(found, encode_s=0.0, decode_s=0.0, whole_s=taken[0], peak_mb=peak_mb, gemm_gflops=rate)
