"""Merging over seams beside what others do: F1 over five real scenes and three tilings, and what merging costs.

    python -m benchmarks.merging.bench_merge [FOLDER]

FOLDER holds the scenes, by default ../shared/data/geo/merge_scenes. Prints markdown. Everything is seeded; seconds are
of the processor, and differ.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.merging.oracle import Oracle, f1_score
from benchmarks.merging.rivals import RIVALS
from benchmarks.merging.scenes import SCENE_WH_PX, SCENES, read_scene
from sam_backend.geo.merge import Fragment, MergedObject, merge_fragments, outline_on_grid_share
from sam_backend.geo.tiles import PlacedMask, TileGrid

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "geo" / "merge_scenes"
TILINGS = ((1024, 128), (1024, 256), (512, 128))
ORACLES = {
    "outline jittered, seed 0": Oracle(),
    "outline jittered, seed 1": Oracle(seed=1),
    "outline and cut edges jittered, seed 0": Oracle(is_cut_edge_jittered=True),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One scene in one tiling."""

    scene: str
    grid: TileGrid
    f1_of: dict[str, float]
    on_grid_share: float
    true_on_grid_share: float
    seconds_per_tile: float


def main() -> None:
    """Print a table per oracle."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    truth_of = {scene: read_scene(folder, scene) for scene in SCENES}
    for name, oracle in ORACLES.items():
        rows = []
        for scene, truth in truth_of.items():
            for tiling in TILINGS:
                grid = TileGrid(*SCENE_WH_PX, *tiling)
                rows.append(measure(scene, truth, grid, oracle.fragments(grid, truth)))
        print(f"\n## {name}\n\n{table(rows)}")
        sys.stdout.flush()


def measure(scene: str, truth: list[PlacedMask], grid: TileGrid, fragments: list[Fragment]) -> Row:
    """All strategies on the same fragments."""
    started = time.process_time()
    merged = merge_fragments(grid, fragments)
    seconds = time.process_time() - started
    rivals = {name: strategy(grid, fragments) for name, strategy in RIVALS.items()}
    found = {"ours": [one.placed for one in merged]} | rivals
    return Row(
        scene=scene,
        grid=grid,
        f1_of={name: f1_score(masks, truth) for name, masks in found.items()},
        on_grid_share=outline_on_grid_share(merged, grid),
        true_on_grid_share=outline_on_grid_share([as_object(placed) for placed in truth], grid),
        seconds_per_tile=seconds / len(grid),
    )


def as_object(placed: PlacedMask) -> MergedObject:
    """A true object, to measure it with the same rule."""
    return merge_fragments(TileGrid(*SCENE_WH_PX, max(SCENE_WH_PX)), [Fragment(0, placed, 1, 1)])[0]


def table(rows: list[Row]) -> str:
    """Markdown: a row per scene and tiling, then the mean and the worst."""
    names = list(rows[0].f1_of)
    heads = ["scene", "tile / overlap", *names, "outline on grid", "(of the truth)", "merging, ms a tile"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    lines += [
        _line(
            [
                row.scene,
                f"{row.grid.tile_px} / {row.grid.overlap_px}",
                *(f"{row.f1_of[name]:.3f}" for name in names),
                f"{row.on_grid_share:.2%}",
                f"{row.true_on_grid_share:.2%}",
                f"{1000 * row.seconds_per_tile:.0f}",
            ]
        )
        for row in rows
    ]
    return "\n".join([*lines, _summary("**mean**", rows, np.mean), _summary("**worst**", rows, np.min)])


def _summary(title: str, rows: list[Row], of: Callable[[list[float]], np.floating]) -> str:
    worst = np.max if of is np.min else of
    return _line(
        [
            title,
            "",
            *(f"{of([row.f1_of[name] for row in rows]):.3f}" for name in rows[0].f1_of),
            f"{worst([row.on_grid_share for row in rows]):.2%}",
            f"{worst([row.true_on_grid_share for row in rows]):.2%}",
            f"{1000 * worst([row.seconds_per_tile for row in rows]):.0f}",
        ]
    )


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
