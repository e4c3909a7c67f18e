"""What the model is shown: of files, of layers that are none, at every zoom."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from map_window import Window, wait_for
from osgeo import gdal
from qgis.core import (
    QgsContrastEnhancement,
    QgsMultiBandColorRenderer,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsRectangle,
    QgsSingleBandGrayRenderer,
)
from qgis.PyQt.QtGui import QImage
from scene import HEIGHT_PX, ORIGIN_XY, PIXEL_M, WIDTH_PX, is_object, px_to_map, scene_pixels, write_raster
from segment_anything.map_tool.file_grid import file_grid
from segment_anything.map_tool.mailbox import View
from segment_anything.map_tool.view_source import NothingInSight, ViewSource, shown_bands

pytest_plugins = ["map_tool_fixtures"]


def sees_all(path: str) -> bool:
    return True


def sees_nothing(path: str) -> bool:
    return False


def rect_px(left: float, top: float, right: float, bottom: float) -> QgsRectangle:
    return QgsRectangle(*px_to_map(left, bottom), *px_to_map(right, top))


def asked(source: ViewSource, in_sight: QgsRectangle, prompts: tuple[float, ...] | None = None) -> View:
    views: list[View] = []
    source.request(in_sight, prompts, views.append)
    wait_for(lambda: views)
    return views[0]


@pytest.fixture
def wide(window: Window, tmp_path: Path) -> QgsRasterLayer:
    """9000 x 200 px."""
    pixels = np.zeros((1, 200, 9000), np.uint8)
    pixels[:, :, 4500:] = 200
    return QgsRasterLayer(write_raster(tmp_path / "wide.tif", pixels), "wide")


def test_all_of_a_small_raster_is_one_view(layer: QgsRasterLayer) -> None:
    view = asked(ViewSource(layer, sees_all), layer.extent())
    assert view.fields["view_px"] == [0, 0, WIDTH_PX, HEIGHT_PX]
    assert view.fields["ground_size"] == pytest.approx(1024 / WIDTH_PX)


@pytest.mark.parametrize(
    ("corner", "near"), [((0, 0), (0, 0)), ((560, 400), (WIDTH_PX, HEIGHT_PX))], ids=["top left", "bottom right"]
)
def test_a_view_at_the_edge_moves_inside(corner: tuple[int, int], near: tuple[int, int], layer: QgsRasterLayer) -> None:
    view = asked(ViewSource(layer, sees_all), rect_px(*corner, corner[0] + 80, corner[1] + 80))
    left, top, width, height = view.fields["view_px"]
    assert (width, height) == (256, 256)
    assert 0 <= left <= WIDTH_PX - 256
    assert 0 <= top <= HEIGHT_PX - 256
    assert view.fields["ground_size"] == 4
    assert abs(left + 128 - near[0]) < 320


def test_a_view_holds_what_is_in_sight_and_all_prompts(layer: QgsRasterLayer) -> None:
    prompts = (*px_to_map(20, 80), *px_to_map(60, 20))
    left, top, width, height = asked(ViewSource(layer, sees_all), rect_px(200, 50, 260, 90), prompts).fields["view_px"]
    assert left <= 20
    assert top <= 20
    assert left + width >= 260
    assert top + height >= 90


def test_a_rotated_raster_is_asked_for_in_its_own_pixels(window: Window, tmp_path: Path) -> None:
    turn = math.radians(30)
    across, down = PIXEL_M * math.cos(turn), PIXEL_M * math.sin(turn)
    transform = (ORIGIN_XY[0], across, down, ORIGIN_XY[1], down, -across)
    rotated = QgsRasterLayer(write_raster(tmp_path / "rotated.tif", scene_pixels(), transform), "rotated")
    x = transform[0] + 330 * transform[1] + 230 * transform[2]
    y = transform[3] + 330 * transform[4] + 230 * transform[5]
    view = asked(ViewSource(rotated, sees_all), QgsRectangle(x - 20, y - 20, x + 20, y + 20))
    left, top, width, height = view.fields["view_px"]
    assert left + 40 < 330 < left + width - 40
    assert top + 40 < 230 < top + height - 40


def test_a_zoom_on_a_wide_raster_reads_the_file_and_all_of_it_is_rendered(wide: QgsRasterLayer) -> None:
    source = ViewSource(wide, sees_all)
    near = asked(source, rect_px(4000, 0, 6000, 200))
    assert near.fields["view_px"][2] <= 4096
    assert near.fields["ground_size"] == pytest.approx(1024 / near.fields["view_px"][2], rel=1e-3)
    assert "picture" in asked(source, wide.extent()).fields


def picture(view: View) -> tuple[np.ndarray, list[float]]:
    """(h, w, 3) and the transform."""
    image = QImage.fromData(base64.b64decode(view.fields["picture"])).convertToFormat(QImage.Format.Format_RGB888)
    data = image.constBits().asstring(image.bytesPerLine() * image.height())
    rows = np.frombuffer(data, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3), view.fields["transform"]


def test_a_picture_lies_where_its_transform_says(layer: QgsRasterLayer) -> None:
    pixels, (a, b, c, d, e, f) = picture(asked(ViewSource(layer, sees_nothing), rect_px(230, 150, 430, 310)))
    assert pixels.shape == (1024, 1024, 3)
    assert b == d == 0
    columns, rows = np.meshgrid(np.arange(1024) + 0.5, np.arange(1024) + 0.5)
    x_px, y_px = (a * columns + c - ORIGIN_XY[0]) / PIXEL_M, (ORIGIN_XY[1] - (e * rows + f)) / PIXEL_M
    is_on_raster = (x_px > 0) & (x_px < WIDTH_PX) & (y_px > 0) & (y_px < HEIGHT_PX)
    looks_like_roof = pixels[..., 0] > 140
    agrees = (looks_like_roof == is_object(x_px, y_px))[is_on_raster]
    assert agrees.mean() > 0.99


def test_a_picture_is_rendered_once(layer: QgsRasterLayer) -> None:
    source = ViewSource(layer, sees_nothing)
    first = asked(source, rect_px(230, 150, 430, 310))
    assert asked(source, rect_px(232, 152, 432, 312)) is first
    source.forget()
    again = asked(source, rect_px(230, 150, 430, 310))
    assert again is not first
    assert again.key == first.key


def test_a_rendering_that_was_overtaken_hands_nothing_over(layer: QgsRasterLayer) -> None:
    source, views = ViewSource(layer, sees_nothing), []
    source.request(rect_px(230, 150, 430, 310), None, views.append)
    late = asked(source, rect_px(0, 0, 50, 50))
    assert late not in views
    assert views == []


def test_files_that_gdal_reads_from_memory_are_rendered(window: Window) -> None:
    path = write_raster("/vsimem/memory.tif", scene_pixels())
    layer = QgsRasterLayer(path, "memory")
    assert layer.isValid()
    assert "picture" in asked(ViewSource(layer, sees_all), layer.extent()).fields
    del layer
    gdal.Unlink(path)


@pytest.mark.parametrize("sees", [sees_all, sees_nothing], ids=["file", "picture"])
def test_a_raster_elsewhere_is_told(sees: Callable[[str], bool], layer: QgsRasterLayer) -> None:
    with pytest.raises(NothingInSight, match="'scene' isn't in sight"):
        ViewSource(layer, sees).request(QgsRectangle(0, 0, 10, 10), None, lambda view: None)


def test_the_model_sees_the_bands_that_the_user_sees(layer: QgsRasterLayer) -> None:
    provider = layer.dataProvider()
    assert shown_bands(layer) == [1, 2, 3]
    layer.setRenderer(QgsMultiBandColorRenderer(provider, 3, 1, 2))
    assert shown_bands(layer) == [3, 1, 2]
    layer.setRenderer(QgsMultiBandColorRenderer(provider, 3, -1, 2))
    assert shown_bands(layer) is None
    grey = QgsSingleBandGrayRenderer(provider, 2)
    grey.setContrastEnhancement(QgsContrastEnhancement(provider.dataType(2)))
    layer.setRenderer(grey)
    assert shown_bands(layer) == [2]
    layer.setRenderer(QgsPalettedRasterRenderer(provider, 1, []))
    assert shown_bands(layer) is None
    assert "bands" not in asked(ViewSource(layer, sees_all), layer.extent()).fields


def test_a_new_style_is_looked_at_anew(window: Window, layer: QgsRasterLayer, tool: object, engine: object) -> None:
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 3, 2, 1))
    wait_for(lambda: engine.of("prefetch")[-1]["bands"] == [3, 2, 1])


def test_files_without_a_place_on_the_map_are_rendered(window: Window, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    gdal.Translate(str(path), write_raster(tmp_path / "scene.tif", scene_pixels()), format="PNG")
    (tmp_path / "picture.png.aux.xml").unlink(missing_ok=True)
    layer = QgsRasterLayer(str(path), "picture")
    assert "picture" in asked(ViewSource(layer, sees_all), layer.extent()).fields
    tied = tmp_path / "tied.tif"
    corners = [gdal.GCP(*px_to_map(x, y), 0, x, y) for x, y in ((0, 0), (WIDTH_PX, 0), (0, HEIGHT_PX))]
    gdal.Translate(str(tied), str(path), GCPs=corners, outputSRS="EPSG:25832")
    assert file_grid(QgsRasterLayer(str(tied), "tied")) is None
