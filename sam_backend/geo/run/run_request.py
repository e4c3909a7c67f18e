"""What a person asks of a run over a raster."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam_backend.geo.alignment import Alignment
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.run.run_settings import RunSettings, file_state
from sam_backend.geo.tiles import OVERLAP_PX, TILE_PX
from sam_backend.predict.automatic.options import AutomaticOptions

_CHANGES_NOTHING = ("points_per_batch", "time_budget_s", "point_grids")
"""Options that the objects found don't depend on, or that a run over tiles doesn't offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Paths are made absolute when the run begins, so that going on from another folder is the same run."""

    raster: Path
    journal: Path

    bands: tuple[int, ...] | None = None
    """From 1; None: by the raster's own word, or as the run that is gone on with began."""

    stretch_percent: tuple[float, float] | None = None
    """None: as usual, or as the run that is gone on with began."""

    ground_size_factor: float | None = None
    """None: the same."""

    tile_px: int = TILE_PX
    overlap_px: int = OVERLAP_PX

    area_of_interest: Path | None = None
    """A layer of polygons: only tiles, or prompts, that meet them are worked on."""

    automatic: AutomaticOptions = field(default_factory=AutomaticOptions)
    """Used where there are no prompts."""

    prompts: Path | None = None
    prompt_kind: PromptKind | None = None
    """None: points as clicks, polygons as outlines."""

    alignment: Alignment | None = None
    """Where the layer of prompts was found to lie: its prompts are moved so before the model is asked. None: nobody
    looked."""

    def settings(self, model_version: str, read_plan: dict[str, Any], area_wkt: str | None) -> RunSettings:
        """What the journal keeps of it.

        Raises:
            RasterError: a file can't be read.
        """
        prompts = self.prompts
        return RunSettings(
            raster=str(self.raster.resolve()),
            raster_state=file_state(self.raster),
            model_version=model_version,
            read_plan=read_plan,
            tile_px=self.tile_px,
            overlap_px=self.overlap_px,
            automatic=None if prompts else _lasting(self.automatic),
            prompts=None if prompts is None else str(prompts.resolve()),
            prompts_state=None if prompts is None else f"{file_state(prompts)}, {self.prompt_kind}",
            area_of_interest=area_wkt,
            alignment=None if self.alignment is None else self.alignment.to_json(),
        )


def _lasting(options: AutomaticOptions) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(options).items() if name not in _CHANGES_NOTHING}
