"""A whole run over a large raster of which little was written, with a model that makes no mistakes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from benchmarks.rasters.bright_discs import BrightDiscs, known_places_xy, write_scenes
from sam_backend.geo.run.raster_run import RasterRun
from sam_backend.geo.run.result_options import ResultOptions
from sam_backend.geo.run.results import write_results
from sam_backend.geo.run.run_request import RunRequest
from sam_backend.geo.vector_layer import read_vector_layer
from sam_backend.predict.predictor import Predictor

SIDE_PX = 20_000
CORNERS_XY = ((SIDE_PX - 1024, 0), (7_000, 11_111))


def test_each_disc_at_a_known_place_is_one_object_and_empty_tiles_are_never_read(
    tiny_predictor: Predictor, tmp_path: Path
) -> None:
    raster, output = tmp_path / "sparse.tif", tmp_path / "discs.gpkg"
    write_scenes(raster, SIDE_PX, CORNERS_XY)
    begun = RasterRun.begin(RunRequest(raster=raster, journal=tmp_path / "journal"), tiny_predictor)
    run = replace(begun, segmenter=BrightDiscs())
    assert len(run.raster.grid) == 676
    assert len(run.tiles) <= 2 * 9
    assert not run.run().failed
    places_xy = known_places_xy(CORNERS_XY)
    assert write_results(run.journal, output, ResultOptions()).n_objects == len(places_xy) == 128
    outlines = list(read_vector_layer(output, "objects").shapes.values())
    found, _ = shapely.STRtree(outlines).query(shapely.points(places_xy), predicate="intersects")
    np.testing.assert_array_equal(np.sort(found), np.arange(len(places_xy)))
