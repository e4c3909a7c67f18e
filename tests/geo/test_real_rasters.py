"""Real rasters, each read in its place."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.warp import transform_bounds

from sam_backend.errors import RasterError
from sam_backend.geo.area_of_interest import read_area_of_interest
from sam_backend.geo.prompt_layer import PromptKind, read_prompt_layer
from sam_backend.geo.prompt_tiles import assign_to_tiles
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import TiledRaster

DECLARED = {
    "deepforest_neon/2018_SJER_3_252000_4107000_image_477.tif": ("nodata", (1, 2, 3)),
    "deepness/dummy_fotomap_small.tif": ("alpha", (1, 2, 3)),
    "fair_oam/kampalaA_z21_3072x2048.tif": ("mask", (1, 2, 3)),
    "ftw_fields/inference-img.tif": ("nothing", (1, 2, 3)),
    "rasterio/RGBA.uint16.tif": ("alpha", (3, 2, 1)),
    "rasterio/rgb1_fake_nir_epsg3857.tif": ("nodata", (1,)),
    "solaris_spacenet/sample_geotiff.tif": ("nodata", (1,)),
    "solaris_spacenet/sample_geotiff_custom_proj.tif": ("nodata", (1, 2, 3)),
}


@pytest.mark.parametrize(("name", "facts"), DECLARED.items(), ids=[Path(name).stem[:12] for name in DECLARED])
def test_it_is_seen_for_what_it_is(name: str, facts: tuple[str, tuple[int, ...]], shared: Path) -> None:
    path = shared / "data" / "geo" / name
    plan = plan_reading(path)
    assert (plan.nodata.declared, plan.bands) == facts
    raster = TiledRaster(path, plan, tile_px=512, overlap_px=64)
    windows = [raster.read(tile.rect) for tile in raster.tiles() if not raster.is_provably_empty(tile)]
    pixels = np.concatenate([window.pixels[window.is_valid] for window in windows])
    if path.name == "RGBA.uint16.tif":  # every colour in it is 10000
        assert (pixels == pixels[0]).all()
        return
    assert 30 < pixels.mean() < 225
    assert pixels.std() > 15


def test_a_raster_of_nothing_is_said(shared: Path) -> None:
    with pytest.raises(RasterError, match=r"all-nodata\.tif has no data at all"):
        plan_reading(shared / "data" / "geo" / "rasterio" / "all-nodata.tif")


def test_the_area_beside_the_drone_picture_lies_on_it(shared: Path) -> None:
    folder = shared / "data" / "geo" / "deepness"
    path = folder / "dummy_fotomap_small.tif"
    whole = TiledRaster(path, plan_reading(path), tile_px=256, overlap_px=0)
    area = read_area_of_interest(folder / "dummy_fotomap_area.gpkg", whole.crs)
    part = TiledRaster(path, whole.plan, 256, 0, area)
    assert part.area_px is not None
    assert 0 < len(list(part.tiles())) <= len(whole.grid)
    x0, y0, x1, y1 = transform_bounds(whole.crs, "EPSG:4326", *shapely.bounds(area))
    assert -180 < x0 < x1 < 180
    assert y0 < y1


def test_the_buildings_of_kampala_are_prompts_on_their_roofs(shared: Path) -> None:
    folder = shared / "data" / "geo" / "fair_oam"
    path = folder / "kampalaA_z21_3072x2048.tif"
    raster = TiledRaster(path, plan_reading(path))
    layer = read_prompt_layer(folder / "kampalaA_buildings.geojson", PromptKind.POLYGONS, raster.transform, raster.crs)
    assert len(layer.prompts) == 107
    assigned = assign_to_tiles(layer.prompts, raster.grid)
    assert sum(len(view.prompts) for view in assigned.views) + len(assigned.refused) == 107
    assert not assigned.refused
