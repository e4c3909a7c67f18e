"""Somebody points at a picture on /try in a real browser, with the embedded model behind it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
from backend import DEFAULT_PYTHON, RecordingProxy
from nuclei import NucleiScene
from numpy.typing import NDArray
from PIL import Image
from pixel_rings import fill_rings, n_pieces, signed_area
from playwright.sync_api import Browser
from region_masks import iou
from server_process import ServerProcess, free_port
from try_page import BOX_XYXY, DARK_XY, NEIGHBOUR_XY, NUCLEUS_XY, TryPage

from sam_backend.masks.rle_coco import decode_coco_rle, encode_coco_rle

pytestmark = pytest.mark.e2e

START_S = 120.0
MAX_MEGAPIXELS = 2
SAMPLE_HW = (640, 900)

CLICKED, BOXED = 2, 6
"""Nuclei of the generated picture."""

RIGHT_IOU = 0.7


@dataclass(slots=True)
class TryServer:
    """The backend without a Label Studio."""

    port: int
    log_path: Path
    process: ServerProcess

    @classmethod
    def start(cls, log_path: Path, port: int | None = None) -> TryServer:
        port = free_port() if port is None else port
        python = os.environ.get("BACKEND_PYTHON", str(DEFAULT_PYTHON))
        command = [python, "-m", "gunicorn", "-c", "python:sam_backend.service.gunicorn_conf"]
        environ = os.environ | {"SAM_MAX_MEGAPIXELS": str(MAX_MEGAPIXELS), "LABEL_STUDIO_URL": ""}
        process = ServerProcess.start(
            "The backend of /try",
            [*command, "--bind", f"127.0.0.1:{port}"],
            environ,
            log_path,
            f"http://127.0.0.1:{port}/health",
            START_S,
        )
        return cls(port, log_path, process)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        self.process.stop()
        self.process = TryServer.start(self.log_path, self.port).process


@pytest.fixture(scope="module")
def server(artifacts: Path) -> Iterator[TryServer]:
    started = TryServer.start(artifacts / "try-backend.log")
    yield started
    started.process.stop()


@pytest.fixture
def opened(browser: Browser, server: TryServer) -> Iterator[TryPage]:
    page = TryPage.open(browser, f"{server.url}/try")
    yield page
    page.close()
    assert page.faults == []


@pytest.fixture
def sample(opened: TryPage, artifacts: Path, request: pytest.FixtureRequest) -> Iterator[TryPage]:
    opened.take_sample()
    yield opened
    opened.page.screenshot(path=artifacts / f"{request.node.name}.png")


def _change_at(page: TryPage, before_rgb: NDArray[np.uint8], xy: tuple[float, float]) -> int:
    scale, x, y = page.view()
    row, column = int(y + scale * xy[1]), int(x + scale * xy[0])
    return int(np.abs(page.colour_at(*xy) - before_rgb[row, column]).max())


def test_click_shows_three_masks_to_choose_from(sample: TryPage) -> None:
    before_rgb = sample.seen_rgb()
    sample.click(*NUCLEUS_XY)
    assert [mask.split(" ")[:2] for mask in sample.masks()] == [["mask", "1"], ["mask", "2"], ["mask", "3"]]
    assert all(mask.endswith(" %") for mask in sample.masks())
    beside_the_mark = (NUCLEUS_XY[0] - 30, NUCLEUS_XY[1])
    assert _change_at(sample, before_rgb, beside_the_mark) > 20
    assert _change_at(sample, before_rgb, DARK_XY) == 0
    seen: set[bytes] = set()
    for index in range(3):
        sample.press(str(index + 1))
        assert sample.chosen() == index
        seen.add(sample.seen_rgb().tobytes())
    assert len(seen) == 3
    (asked,) = sample.asked
    np.testing.assert_allclose(asked["points"], [NUCLEUS_XY], atol=1)
    assert (asked["labels"], asked["box"], asked["previous"]) == ([1], None, None)


def test_alt_click_refines_and_undo_brings_back_what_was_seen(sample: TryPage) -> None:
    sample.click(*NUCLEUS_XY)
    first_rgb = sample.seen_rgb()
    sample.click(*NEIGHBOUR_XY, is_foreground=False)
    assert [mask.split(" ")[0] for mask in sample.masks()] == ["refined", "mask", "mask", "mask"]
    assert sample.asked[1]["labels"] == [1, 0]
    assert sample.asked[1]["previous"]
    assert (sample.seen_rgb() != first_rgb).any()
    sample.press("3")
    assert sample.chosen() == 3
    sample.press("r")
    assert sample.chosen() == 0
    sample.press("z")
    assert len(sample.masks()) == 3
    np.testing.assert_array_equal(sample.seen_rgb(), first_rgb)
    sample.press("Escape")
    assert sample.masks() == []


def test_box_shows_the_object_in_it(sample: TryPage) -> None:
    before_rgb = sample.seen_rgb()
    sample.drag_box(BOX_XYXY)
    np.testing.assert_allclose(sample.asked[0]["box"], BOX_XYXY, atol=2)
    assert sample.asked[0]["points"] == []
    assert len(sample.masks()) == 4
    middle = ((BOX_XYXY[0] + BOX_XYXY[2]) / 2, (BOX_XYXY[1] + BOX_XYXY[3]) / 2)
    assert _change_at(sample, before_rgb, middle) > 20
    assert _change_at(sample, before_rgb, DARK_XY) == 0


def test_kept_objects_are_listed_and_all_three_files_hold_the_same(sample: TryPage) -> None:
    sample.click(*NUCLEUS_XY)
    sample.press("Enter")
    sample.drag_box(BOX_XYXY)
    sample.press("Enter")
    assert [line.split()[:2] for line in sample.objects()] == [["Object", "1"], ["Object", "2"]]
    assert all(" px" in line and " %" in line for line in sample.objects())

    coco = sample.download_json("json")
    assert coco["image"] == {"file_name": "nuclei.png", "height": SAMPLE_HW[0], "width": SAMPLE_HW[1]}
    masks = [decode_coco_rle(one["segmentation"]) for one in coco["masks"]]
    assert [one["area"] for one in coco["masks"]] == [mask.sum() for mask in masks]
    with Image.open(sample.download("png")) as picture:
        rgba = np.asarray(picture)
    np.testing.assert_array_equal(rgba[..., 3], 255 * np.any(masks, axis=0))
    geojson = sample.download_json("geojson")
    assert geojson["coordinates"] == "image px, x right, y down"
    for feature, mask in zip(geojson["features"], masks, strict=True):
        pieces = feature["geometry"]["coordinates"]
        rings = [ring for piece in pieces for ring in piece]
        np.testing.assert_array_equal(fill_rings(rings, SAMPLE_HW), mask)
        assert all(ring[0] == ring[-1] for ring in rings)
        assert feature["properties"]["area_px"] == mask.sum()

    sample.press("z")
    assert (len(sample.objects()), len(sample.masks())) == (1, 4)
    sample.page.click("#objects button")
    assert sample.objects() == []


def test_outlines_are_those_of_the_pixels_whatever_the_mask(opened: TryPage) -> None:
    rng = np.random.default_rng(5)
    masks = [rng.random(hw) < share for hw in [(1, 1), (7, 9), (12, 5)] for share in [0.2, 0.5, 0.8, 1.0] * 4]
    masks = [mask for mask in masks if mask.any()]
    answers = [{"segmentation": encode_coco_rle(mask), "bbox": _bbox_xywh(mask)} for mask in masks]
    traced = opened.page.evaluate(
        "async (answers) => { const { Mask } = await import('./mask.js');"
        " return answers.map((answer) => new Mask(answer).pieces); }",
        answers,
    )
    for mask, pieces in zip(masks, traced, strict=True):
        rings = [ring for piece in pieces for ring in [piece["exterior"], *piece["holes"]]]
        np.testing.assert_array_equal(fill_rings(rings, mask.shape), mask)
        assert len(pieces) == n_pieces(mask)
        areas = [sum(-signed_area(ring) for ring in [piece["exterior"], *piece["holes"]]) for piece in pieces]
        assert areas == sorted(areas, reverse=True)
        assert min(areas) > 0
        assert all(signed_area(hole) > 0 for piece in pieces for hole in piece["holes"])


def test_masks_of_a_picture_of_ones_own_are_right(
    opened: TryPage, scene: NucleiScene, nuclei_png: Path, artifacts: Path
) -> None:
    opened.take_file(nuclei_png)
    opened.click(*scene.center_xy(CLICKED))
    opened.press("Enter")
    opened.drag_box(scene.box_xyxy(BOXED))
    opened.press("Enter")
    opened.page.screenshot(path=artifacts / "try-own-picture.png")
    clicked, boxed = (decode_coco_rle(one["segmentation"]) for one in opened.download_json("json")["masks"])
    assert iou(clicked, scene.mask(CLICKED)) >= RIGHT_IOU
    assert iou(boxed, scene.mask(BOXED)) >= RIGHT_IOU


def _bbox_xywh(mask: NDArray[np.bool_]) -> list[int]:
    rows, columns = np.nonzero(mask)
    x0, y0 = int(columns.min()), int(rows.min())
    return [x0, y0, int(columns.max()) + 1 - x0, int(rows.max()) + 1 - y0]


def test_forgotten_picture_is_sent_again_by_itself(browser: Browser, server: TryServer) -> None:
    page = TryPage.open(browser, f"{server.url}/try")
    page.take_sample()
    page.click(*NUCLEUS_XY)
    server.restart()
    page.click(*NEIGHBOUR_XY)
    assert page.n_sent == 2
    assert page.masks()[0].startswith("refined")
    assert not page.page.is_visible("#error")
    page.close()
    assert all("404" in fault for fault in page.faults)  # Chromium's own line about the answer that told it


@pytest.mark.parametrize(
    ("name", "kind", "size", "sentence"),
    [
        pytest.param(
            "wide.png", "image/png", (2000, 1500), "3 megapixels (2000 \u00d7 1500), and 2 are", id="too large"
        ),
        pytest.param("notes.txt", "text/plain", None, "notes.txt is no picture", id="no picture"),
        pytest.param("place.tif", "image/tiff", None, "segment -o .geojson", id="GeoTIFF"),
        pytest.param("torn.png", "image/png", None, "can't show torn.png", id="damaged"),
    ],
)
def test_picture_that_can_not_be_used_is_refused_in_one_sentence_before_it_is_sent(
    opened: TryPage, name: str, kind: str, size: tuple[int, int] | None, sentence: str
) -> None:
    file = io.BytesIO(b"no picture")
    if size:
        Image.new("RGB", size, "teal").save(file, "PNG")
    opened.choose_file(name, kind, file.getvalue())
    assert sentence in opened.error()
    assert opened.n_sent == 0
    opened.page.click("#error-close")
    assert not opened.page.is_visible("#error")


def test_everything_goes_without_a_mouse(sample: TryPage) -> None:
    assert sample.page.evaluate("() => document.activeElement.id") == "canvas"
    for _ in range(5):
        sample.press("Shift+ArrowLeft")
    sample.answered(lambda: sample.page.keyboard.press("p"))
    sample.answered(lambda: sample.page.keyboard.press("n"))
    (x, y), _ = sample.asked[1]["points"]
    assert x < SAMPLE_HW[1] / 2
    assert y == SAMPLE_HW[0] / 2
    scale = sample.view()[0]
    sample.press("+")
    assert sample.view()[0] == pytest.approx(1.25 * scale)
    sample.press("0")
    assert sample.view()[0] == pytest.approx(scale)
    assert "score" in sample.page.inner_text("#status")


def test_wheel_zooms_around_the_pointer_and_the_middle_button_moves(sample: TryPage) -> None:
    at = sample.to_screen(*NEIGHBOUR_XY)
    sample.page.mouse.move(*at)
    sample.page.mouse.wheel(0, -400)
    sample.page.wait_for_function("() => Number(document.querySelector('#canvas').dataset.view.split(' ')[0]) > 1")
    np.testing.assert_allclose(sample.to_screen(*NEIGHBOUR_XY), at, atol=1.5)  # wheel events come in whole pixels
    sample.page.mouse.down(button="middle")
    sample.page.mouse.move(at[0] + 50, at[1] - 30, steps=3)
    sample.page.mouse.up(button="middle")
    sample.settle()
    np.testing.assert_allclose(sample.to_screen(*NEIGHBOUR_XY), (at[0] + 50, at[1] - 30), atol=1.5)
    assert sample.asked == []


def test_touch_sets_points_of_both_kinds(browser: Browser, server: TryServer, artifacts: Path) -> None:
    page = TryPage.open(browser, f"{server.url}/try", viewport={"width": 420, "height": 800}, has_touch=True)
    page.take_sample()
    page.answered(lambda: page.page.touchscreen.tap(*page.to_screen(*NUCLEUS_XY)))
    page.page.tap("[data-tool=background]")
    page.answered(lambda: page.page.touchscreen.tap(*page.to_screen(*DARK_XY)))
    assert page.asked[1]["labels"] == [1, 0]
    page.page.screenshot(path=artifacts / "try-touch.png")
    page.close()
    assert page.faults == []


class _PrefixProxy(RecordingProxy):
    """A reverse proxy that serves the backend under /deep/inside."""

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> requests.Response:
        assert path.startswith("/deep/inside/"), f"the page asked for {path}"
        return RecordingProxy.forward(self, method, path.removeprefix("/deep/inside"), headers, body)


def test_page_works_below_the_path_of_a_proxy(browser: Browser, server: TryServer) -> None:
    proxy = _PrefixProxy(server.url)
    page = TryPage.open(browser, f"{proxy.url}/deep/inside/try/")
    page.take_sample()
    page.click(*NUCLEUS_XY)
    assert len(page.masks()) == 3
    page.close()
    proxy.close()
    assert page.faults == []
