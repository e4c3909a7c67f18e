"""Seconds and memory to write many objects: ``python -m benchmarks.rasters.bench_vector_file objects.gpkg``.

The ending chooses the format. Measured on one core of a busy machine, so seconds are those of the processor.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import shapely
from rasterio.crs import CRS

from sam_backend.geo.measures import ground_ruler
from sam_backend.geo.object_layer import OBJECTS, ObjectFacts, object_feature
from sam_backend.geo.vector_file import create_vector_file

BATCH = 1000
UTM = CRS.from_epsg(32636)


def _discs(rng: np.random.Generator) -> np.ndarray:
    """(BATCH,) polygons of 16 corners and 10 m radius, strewn over 50 km."""
    around_rad = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    centres_xy = np.array([300_000, 5_000_000]) + rng.uniform(0, 50_000, (BATCH, 1, 2))
    return shapely.polygons(centres_xy + 10 * np.column_stack([np.cos(around_rad), np.sin(around_rad)]))


def main() -> None:
    """Write discs, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    arguments = parser.parse_args()
    rng, ruler, start_s = np.random.default_rng(0), ground_ruler(UTM), time.process_time()
    with create_vector_file(arguments.output, [OBJECTS], UTM) as file:
        for first in range(0, arguments.count, BATCH):
            discs = _discs(rng)
            sizes = ruler.measure(discs) if ruler else [None] * BATCH
            facts = [ObjectFacts(first + index, score=0.9, tiles=1) for index in range(BATCH)]
            file.append("objects", list(map(object_feature, discs, facts, sizes)))
    seconds, peak_mb = time.process_time() - start_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{arguments.count} objects to {arguments.output.suffix}: {seconds:.1f} s of one core, peak {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
