"""Where a run's pixels lie on the map: all that its results need of the raster, so that it may be gone by then."""

from __future__ import annotations

import json
from dataclasses import dataclass

from affine import Affine
from rasterio.crs import CRS

from sam_backend.geo.tiles import TileGrid


@dataclass(frozen=True, slots=True)
class RunPlace:
    """The grid of a run and its way to the map."""

    grid: TileGrid
    """In run px."""

    transform: Affine
    """From run px to map coordinates."""

    crs: CRS | None

    def to_json(self) -> str:
        """Write it as JSON."""
        grid = self.grid
        return json.dumps(
            {
                "grid": [grid.raster_width_px, grid.raster_height_px, grid.tile_px, grid.overlap_px],
                "transform": list(self.transform)[:6],
                "crs_wkt": None if self.crs is None else self.crs.to_wkt(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> RunPlace:
        """Read what `to_json` wrote."""
        found = json.loads(text)
        wkt = found["crs_wkt"]
        return cls(TileGrid(*found["grid"]), Affine(*found["transform"]), None if wkt is None else CRS.from_wkt(wkt))
