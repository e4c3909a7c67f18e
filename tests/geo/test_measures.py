import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS

from sam_backend.geo.frame import outlines_to_map
from sam_backend.geo.measures import GroundRuler, ground_ruler

A_M, FLATTENING = 6_378_137.0, 1 / 298.257223563
E2 = FLATTENING * (2 - FLATTENING)
FOOT_M = 1200 / 3937
LON_DEG, LAT_DEG = 32.6, 47.3
CUSTOM_WKT = (
    'PROJCS["no name",GEOGCS["mine",DATUM["mine",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Azimuthal_Equal_Area"],'
    'PARAMETER["latitude_of_center",47],PARAMETER["longitude_of_center",32],PARAMETER["false_easting",0],'
    'PARAMETER["false_northing",0],UNIT["metre",1]]'
)


def _zone_area_m2(south_deg: float, north_deg: float, width_deg: float) -> float:
    """Of a rectangle of parallels and meridians on the ellipsoid, in closed form."""
    e = np.sqrt(E2)

    def q(lat_deg: float) -> float:
        s = np.sin(np.radians(lat_deg))
        return float(s / (1 - E2 * s**2) + np.arctanh(e * s) / e)

    b2 = A_M**2 * (1 - E2)
    return b2 / 2 * (q(north_deg) - q(south_deg)) * float(np.radians(width_deg))


def _small_square(crs: CRS) -> shapely.Polygon:
    """0.001 x 0.001 degrees, drawn in a CRS."""
    to_map = Transformer.from_crs("EPSG:4326", crs.to_wkt(version="WKT2_2019"), always_xy=True)
    box = shapely.segmentize(shapely.box(LON_DEG, LAT_DEG, LON_DEG + 0.001, LAT_DEG + 0.001), 0.0002)
    return shapely.transform(box, lambda xy: np.column_stack(to_map.transform(xy[:, 0], xy[:, 1])))


def _ruler(crs: CRS) -> GroundRuler:
    ruler = ground_ruler(crs)
    assert ruler is not None
    return ruler


@pytest.mark.parametrize(
    "crs",
    [
        CRS.from_epsg(4326),
        CRS.from_epsg(32636),
        CRS.from_epsg(3857),
        CRS.from_wkt(CUSTOM_WKT),
        CRS.from_proj4("+proj=utm +zone=36 +datum=WGS84 +units=us-ft"),
    ],
    ids=["degrees", "UTM", "web Mercator", "custom", "feet"],
)
def test_a_square_is_as_large_in_any_crs_as_on_the_ellipsoid(crs: CRS) -> None:
    (size,) = _ruler(crs).measure([_small_square(crs)])
    assert size.area_m2 == pytest.approx(_zone_area_m2(LAT_DEG, LAT_DEG + 0.001, 0.001), rel=1e-5)
    s2 = np.sin(np.radians(LAT_DEG + 0.0005)) ** 2
    meridian_m = np.radians(0.001) * A_M * (1 - E2) / (1 - E2 * s2) ** 1.5
    parallel_m = np.radians(0.001) * A_M * np.cos(np.radians(LAT_DEG + 0.0005)) / np.sqrt(1 - E2 * s2)
    assert size.perimeter_m == pytest.approx(2 * (meridian_m + parallel_m), rel=1e-4)


def test_grads_are_no_degrees() -> None:
    crs = CRS.from_epsg(4807)  # NTF (Paris), in grads
    in_grads = shapely.box(0, 52, 0.001, 52.001)
    in_degrees = shapely.box(0, 46.8, 0.0009, 46.8009)
    (size,) = _ruler(crs).measure([in_grads])
    (expected,) = _ruler(CRS.from_epsg(4275)).measure([in_degrees])  # NTF, in degrees
    assert size.area_m2 == pytest.approx(expected.area_m2, rel=1e-6)


def test_a_rotated_pole_is_turned_back() -> None:
    to_map = Transformer.from_crs("EPSG:4326", ROTATED, always_xy=True)
    square = shapely.transform(
        shapely.segmentize(shapely.box(10, 50, 10.01, 50.01), 0.001),
        lambda xy: np.column_stack(to_map.transform(xy[:, 0], xy[:, 1])),
    )
    (size,) = _ruler(CRS.from_wkt(ROTATED)).measure([square])
    assert size.area_m2 == pytest.approx(_zone_area_m2(50, 50.01, 0.01), rel=1e-4)


ROTATED = (
    'GEOGCRS["rotated",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,'
    '298.257223563]],PRIMEM["Greenwich",0]],DERIVINGCONVERSION["Pole rotation",METHOD["PROJ ob_tran o_proj=longlat"],'
    'PARAMETER["o_lon_p",0],PARAMETER["o_lat_p",30],PARAMETER["lon_0",10]],CS[ellipsoidal,2],'
    'AXIS["longitude",east,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
    'AXIS["latitude",north,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]]]'
)


def test_holes_are_no_area_but_have_a_perimeter() -> None:
    crs = CRS.from_epsg(32636)
    block, hole = (
        shapely.box(500_000, 5_000_000, 500_100, 5_000_100),
        shapely.box(500_020, 5_000_020, 500_050, 5_000_050),
    )
    far = shapely.box(500_200, 5_000_000, 500_210, 5_000_010)
    sizes = _ruler(crs).measure([shapely.MultiPolygon([block - hole, far]), block, hole, far, shapely.Polygon()])
    whole, *parts, empty = sizes
    assert whole.area_m2 == pytest.approx(parts[0].area_m2 - parts[1].area_m2 + parts[2].area_m2)
    assert whole.perimeter_m == pytest.approx(sum(part.perimeter_m for part in parts))
    assert empty.area_m2 == empty.perimeter_m == 0


@pytest.mark.parametrize("is_closed_clockwise", [False, True])
def test_the_way_around_does_not_matter(is_closed_clockwise: bool) -> None:
    block = shapely.box(500_000, 5_000_000, 500_100, 5_000_100) - shapely.box(500_020, 5_000_020, 500_050, 5_000_050)
    turned = shapely.orient_polygons(block, exterior_cw=is_closed_clockwise)
    (size,) = _ruler(CRS.from_epsg(32636)).measure([turned])
    assert size.area_m2 == pytest.approx(9_100 / 0.9996**2, rel=1e-5)  # the scale of UTM on its central meridian


@pytest.mark.parametrize("crs", [None, CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')], ids=["none", "local"])
def test_without_a_place_on_the_earth_there_is_no_ruler(crs: CRS | None) -> None:
    assert ground_ruler(crs) is None


def test_a_pixel_has_its_size_on_the_ground_where_it_lies() -> None:
    ruler = _ruler(CRS.from_epsg(32636))
    (area_m2,) = ruler.pixel_areas_m2(Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), np.array([[50.0, 50.0]]))
    assert area_m2 == pytest.approx(0.25 / 0.9996**2, rel=1e-4)
    mercator = _ruler(CRS.from_epsg(3857))
    at_60_deg, at_equator = mercator.pixel_areas_m2(
        Affine(20, 0, 0, 0, -20, 8_399_738), np.array([[9.0, 0], [9, 8_399_738 / 20]])
    )
    assert at_equator == pytest.approx(400, rel=0.01)
    assert at_60_deg == pytest.approx(100, rel=0.01)
    assert len(ruler.pixel_areas_m2(Affine.identity(), np.zeros((0, 2)))) == 0


@pytest.mark.parametrize(
    "transform",
    [
        Affine(0.5, 0, 3e5, 0, -0.5, 5e6),
        Affine(0.5, 0, 3e5, 0, 0.5, 5e6),
        Affine.translation(3e5, 5e6) * Affine.rotation(30) * Affine.scale(0.5, -0.7),
    ],
    ids=["north up", "south up", "rotated"],
)
def test_rings_on_the_map_run_as_the_standard_says(transform: Affine) -> None:
    block = shapely.box(10, 20, 40, 50) - shapely.box(20, 30, 25, 35)
    (placed,) = outlines_to_map([block], transform)
    assert placed.exterior.is_ccw
    assert not placed.interiors[0].is_ccw
    assert placed.area == pytest.approx(block.area * abs(transform.determinant))
    corner_xy = transform @ (10, 20) if hasattr(transform, "__matmul__") else transform * (10, 20)
    assert shapely.distance(placed, shapely.Point(corner_xy)) < 1e-6
