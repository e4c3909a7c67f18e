import json
from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.geometry
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt

from sam_backend.errors import MaskError
from sam_backend.geo.coverage import simplify_coverage
from sam_backend.geo.outlines import Polygonal, outline_of
from sam_backend.geo.tiles import PlacedMask

LABELS = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 4))
"""0 is the ground between objects."""


def _outlines(labels: np.ndarray) -> list[Polygonal]:
    masks = [labels == label for label in np.unique(labels[labels > 0])]
    return [outline_of(PlacedMask(0, 0, mask), largest_piece_only=False) for mask in masks]


def _overlap_px2(outlines: np.ndarray) -> float:
    return float(shapely.area(outlines).sum() - shapely.union_all(outlines).area)


@given(LABELS, st.floats(0, 4))
def test_a_simplified_coverage_is_a_coverage(labels: np.ndarray, tolerance_px: float) -> None:
    outlines = _outlines(labels)
    simplified = simplify_coverage(outlines, tolerance_px)
    assert len(simplified) == len(outlines)
    assert not len(outlines) or shapely.coverage_is_valid(simplified)
    assert shapely.is_valid(simplified).all()
    assert not shapely.is_empty(simplified).any()
    assert _overlap_px2(simplified) == pytest.approx(0, abs=1e-6)


def test_what_meets_in_a_t_still_meets() -> None:
    labels = np.ones((40, 40), np.uint8)
    labels[:20, :13] = 2
    labels[20:, :29] = 3
    simplified = simplify_coverage(_outlines(labels))
    assert shapely.union_all(simplified).equals(shapely.box(0, 0, 40, 40))
    assert shapely.get_num_coordinates(simplified).sum() < 30


def test_no_outlines_are_a_coverage() -> None:
    assert simplify_coverage([]).shape == (0,)


def test_overlapping_outlines_are_said() -> None:
    with pytest.raises(MaskError, match="2 of 3 outlines overlap others"):
        simplify_coverage([shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2), shapely.box(9, 9, 10, 10)])


def test_outlines_that_leave_the_pixels_edges_are_said() -> None:
    with pytest.raises(MaskError, match="along the pixels' edges"):
        simplify_coverage([shapely.Polygon([(0, 0), (2, 0), (0, 2)])])


def test_a_mosaic_of_parcels_has_no_gaps_and_no_overlaps(shared: Path) -> None:
    scene = json.loads((shared / "data/geo/merge_scenes/mosaic.geojson").read_text(encoding="utf-8"))
    parcels = [(shapely.geometry.shape(feature["geometry"]), n + 1) for n, feature in enumerate(scene["features"])]
    apart = rasterize(parcels, out_shape=(2048, 3072), dtype=np.uint16)[:600, :600]
    rows, columns = distance_transform_edt(apart == 0, return_distances=False, return_indices=True)
    outlines = np.array(_outlines(apart[rows, columns]), np.object_)  # parcels grown until they meet
    simplified, one_by_one = simplify_coverage(outlines), shapely.simplify(outlines, 2.0)
    assert _overlap_px2(simplified) == pytest.approx(0, abs=1e-6)
    assert shapely.union_all(simplified).area == pytest.approx(600 * 600)
    assert _overlap_px2(one_by_one) > 100
    assert shapely.get_num_coordinates(simplified).sum() < shapely.get_num_coordinates(outlines).sum() / 3
