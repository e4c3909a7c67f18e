"""How far a layer of outlines lies off the picture, with drawn houses and with real ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import features
from scipy import ndimage
from shapely import affinity

from sam_backend.geo.alignment import FEWEST, LARGEST_PX, REACH_PX, UNKNOWN, Alignment, align, fit_of, votes_of
from sam_backend.geo.compare import LEAST_FIT
from sam_backend.geo.prompt_layer import PromptKind, read_prompt_layer
from sam_backend.geo.read_plan import plan_reading
from sam_backend.geo.tiled_raster import TiledRaster
from sam_backend.geo.tiles import PixelRect

SIDE_PX = 512
ReadPixels = Callable[[PixelRect], tuple[np.ndarray, np.ndarray]]


def houses() -> list[shapely.MultiPolygon]:
    chance, found = np.random.default_rng(4), []
    for row in range(5):
        for column in range(5):
            width, height, angle = chance.uniform(24, 50), chance.uniform(20, 44), chance.uniform(0, 90)
            x, y = 70 + 92 * column + chance.uniform(-12, 12), 70 + 92 * row + chance.uniform(-12, 12)
            house = affinity.rotate(shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle)
            found.append(shapely.MultiPolygon([house]))
    return found


HOUSES = houses()


def picture_of(shapes: list[shapely.MultiPolygon]) -> np.ndarray:
    """Bright roofs on ground with spots as large as houses."""
    chance = np.random.default_rng(2)
    ground = 95 + 25 * ndimage.gaussian_filter(chance.normal(size=(SIDE_PX, SIDE_PX)), 6) * 12
    roofs = features.rasterize(zip(shapes, range(1, len(shapes) + 1), strict=True), out_shape=(SIDE_PX, SIDE_PX))
    bright = np.concatenate([[0], chance.uniform(15, 70, len(shapes))])[roofs]
    return (ground + bright + chance.normal(0, 4, ground.shape)).clip(0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def reader_of(pixels: np.ndarray) -> ReadPixels:
    def read(rect: PixelRect) -> tuple[np.ndarray, np.ndarray]:
        height, width = pixels.shape[:2]
        found = np.full((rect.height_px, rect.width_px, 3), 128, np.uint8)
        is_valid = np.zeros(found.shape[:2], bool)
        left, top = max(0, rect.left_px), max(0, rect.top_px)
        right, bottom = min(width, rect.right_px), min(height, rect.bottom_px)
        at = np.s_[top - rect.top_px : bottom - rect.top_px, left - rect.left_px : right - rect.left_px]
        found[at], is_valid[at] = pixels[top:bottom, left:right], True
        return found, is_valid

    return read


READ = reader_of(picture_of(HOUSES))


def moved(shapes: list[shapely.MultiPolygon], right: float, down: float) -> list[shapely.MultiPolygon]:
    return [affinity.translate(shape, right, down) for shape in shapes]


@settings(max_examples=6, deadline=None)
@given(
    right=st.floats(-REACH_PX + 3, REACH_PX - 3, allow_subnormal=False),
    down=st.floats(-REACH_PX + 3, REACH_PX - 3, allow_subnormal=False),
)
def test_a_layer_that_lies_off_is_brought_back(right: float, down: float) -> None:
    found = align(moved(HOUSES, right, down), READ)
    is_off = np.hypot(right, down) >= 3
    assert found.n_outlines == len(HOUSES)
    assert np.hypot(found.shift_xy_px[0] + right, found.shift_xy_px[1] + down) < (1.5 if is_off else 3.1)


def test_a_layer_that_lies_right_is_left_where_it_is() -> None:
    assert align(moved(HOUSES, 1, -1), READ) == Alignment((0.0, 0.0), len(HOUSES))


def test_a_few_houses_that_were_moved_or_torn_down_dont_pull_the_layer_along() -> None:
    layer = [*moved(HOUSES[:18], 7, -5), *moved(HOUSES[18:], -9, 12)]
    right, down = align(layer, READ).shift_xy_px
    assert np.hypot(right + 7, down - 5) <= 1.5


@pytest.mark.parametrize(
    ("shapes", "pixels"),
    [
        (HOUSES[: FEWEST - 1], picture_of(HOUSES)),
        (HOUSES, np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8)[..., :]),
        (moved(HOUSES, 5, 5), np.random.default_rng(0).integers(0, 255, (SIDE_PX, SIDE_PX, 3), np.uint8)),
        ([shapely.MultiPolygon([shapely.box(0, 0, LARGEST_PX + 1, 20)])] * FEWEST, picture_of(HOUSES)),
        ([], picture_of(HOUSES)),
    ],
    ids=["too few", "nothing to see", "noise", "too large", "none"],
)
def test_where_nothing_can_be_told_nothing_is_moved(shapes: list[shapely.MultiPolygon], pixels: np.ndarray) -> None:
    found = align(shapes, reader_of(pixels))
    assert found == UNKNOWN or found.shift_xy_px == (0.0, 0.0)


def test_the_edge_of_the_raster_is_no_edge_of_a_house() -> None:
    corner = shapely.MultiPolygon([shapely.box(2, 3, 40, 30)])
    flat = np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8)
    assert not votes_of(corner, reader_of(flat)).any()


def test_holes_vote_too() -> None:
    yard = shapely.box(200, 200, 300, 290).difference(shapely.box(230, 220, 270, 260))
    ring = shapely.MultiPolygon([yard])
    votes = votes_of(affinity.translate(ring, 6, 4), reader_of(picture_of([ring])))
    row, column = np.unravel_index(votes.argmax(), votes.shape)
    assert (column - REACH_PX, row - REACH_PX) == pytest.approx((-6, -4), abs=1)


def test_a_house_fits_where_it_stands_and_nowhere_else() -> None:
    layer_xy_px = (-9.0, 6.0)
    standing = [fit_of(house, READ, layer_xy_px) for house in moved(HOUSES, 9, -6)]
    astray = [fit_of(house, READ, layer_xy_px) for house in moved(HOUSES, 29, 14)]
    assert min(fit for fit in standing if fit is not None) > LEAST_FIT
    assert np.median([fit for fit in astray if fit is not None]) < LEAST_FIT
    assert fit_of(shapely.MultiPolygon([shapely.box(0, 0, LARGEST_PX + 1, 20)]), READ, layer_xy_px) is None


def test_an_alignment_survives_the_journal() -> None:
    found = Alignment((-9.0, 5.0), 107, {3: 2.51, 12: -0.4})
    assert Alignment.from_json(found.to_json()) == found


@pytest.mark.parametrize("vector_px", [(9, -6), (-25, -20)], ids=str)
def test_the_buildings_of_kampala_are_brought_back_to_within_two_pixels(
    shared: Path, vector_px: tuple[int, int]
) -> None:
    folder = shared / "data" / "geo" / "fair_oam"
    file = folder / "kampalaA_z21_3072x2048.tif"
    raster = TiledRaster(file, plan_reading(file, None, (2.0, 98.0), 1.0))
    layer = read_prompt_layer(folder / "kampalaA_buildings.geojson", PromptKind.POLYGONS, raster.transform, raster.crs)
    outlines = moved([prompt.polygon for prompt in layer.prompts if prompt.polygon is not None], *vector_px)

    def read(rect: PixelRect) -> tuple[np.ndarray, np.ndarray]:
        window = raster.read(rect)
        return window.pixels, window.is_valid

    right, down = align(outlines, read).shift_xy_px
    assert np.hypot(right + vector_px[0], down + vector_px[1]) <= 2
