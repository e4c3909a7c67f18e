"""The labeling page of Label Studio, as an annotator sees and touches it."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, Page, Playwright, StorageState, ViewportSize
from region_masks import is_mask, mask_of

WINDOW: ViewportSize = {"width": 1400, "height": 840}
CHROMIUM_FLAGS = (
    "--no-sandbox",  # the test runs as root in containers
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # nothing outside this machine is asked
)
PATIENCE_MS = 180_000
"""Of one step; the machine may have other work."""

POLL_S = 0.1
STILL_S = 0.4
CHANGED = 24
"""Difference of a colour channel, of 255, from which a pixel of the screen counts as changed."""

ALMOST_ALL = 0.9999
"""Of the picture's pixels: the browser draws a polygon and packs a mask by rules of its own."""

Json: TypeAlias = dict[str, Any]
SmartTool = Literal["key-point-tool", "rectangle-tool"]
Key = Literal["Alt", "Control"]

_HELD = """() => JSON.stringify([...Htx.annotationStore.selected.areas.values(),
  ...Htx.annotationStore.selected.suggestions.values()].flatMap(
    region => region.results.map(result => ({...result.serialize(), id: region.cleanId}))))"""


def launch_browser(playwright: Playwright) -> Browser:
    """Start the machine's Chromium without a window."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM_FLAGS))


def log_in(browser: Browser, studio_url: str, email: str, password: str) -> StorageState:
    """Log in through the form and return what the browser remembers of it."""
    context = browser.new_context(viewport=WINDOW)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{studio_url}/user/login/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    state = context.storage_state()
    context.close()
    return state


@dataclass(frozen=True, slots=True)
class Editor:
    """The open labeling page."""

    page: Page
    studio_url: str

    @classmethod
    def open(cls, browser: Browser, studio_url: str, signed_in: StorageState) -> Editor:
        """Open a fresh window of somebody who has logged in before."""
        context = browser.new_context(viewport=WINDOW, storage_state=signed_in)
        context.set_default_timeout(PATIENCE_MS)
        return cls(page=context.new_page(), studio_url=studio_url)

    def open_task(self, project: int, task: int) -> None:
        """Open a task and wait until its picture is drawn."""
        self.page.goto(f"{self.studio_url}/projects/{project}/data?task={task}")
        self._picture.wait_for(state="visible")
        self.page.wait_for_function(
            "() => { const i = document.querySelector('img[alt=image]'); return i && i.complete && i.naturalWidth > 0 }"
        )
        self.settle()

    def turn_on_auto_annotation(self) -> None:
        """Switch Auto-Annotation on, if it isn't yet."""
        self._turn_on("bottombar-auto-annotation-toggle")

    def turn_on_auto_accept(self) -> None:
        """Switch Auto-Accept Suggestions on, if it isn't yet."""
        self._turn_on("bottombar-auto-accept-toggle")

    def take_smart_tool(self, tool: SmartTool) -> None:
        """Choose the smart key point or the smart rectangle in the toolbar."""
        self.page.locator(".lsf-toolbar button.lsf-tool_smart").first.hover()
        self.page.locator(f".lsf-toolbar__smart button[aria-label={tool}]").first.click()

    def choose_label(self, control: str, label: str) -> None:
        """Select a label in the palette of one control: a new region unselects it, so before every prompt."""
        palette = self.page.locator(".lsf-labels").nth(self._palettes().index(control))
        chip = palette.locator(".lsf-label", has_text=label)
        if "lsf-label_selected" not in (chip.get_attribute("class") or ""):
            chip.click()

    def click(self, x_px: float, y_px: float, *, holding: Sequence[Key] = ()) -> None:
        """Click on the picture at image px while keys are held."""
        x, y = self._to_screen(x_px, y_px)
        for key in holding:
            self.page.keyboard.down(key)
        self.page.mouse.click(x, y)
        for key in reversed(holding):
            self.page.keyboard.up(key)

    def drag_box(self, box_xyxy: tuple[float, float, float, float]) -> None:
        """Drag a rectangle from the left top to the right bottom corner, in image px."""
        x0, y0 = self._to_screen(*box_xyxy[:2])
        x1, y1 = self._to_screen(*box_xyxy[2:])
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=4)
        self.page.mouse.move(x1, y1, steps=4)
        self.page.mouse.up()

    def unselect(self) -> None:
        """Press Escape, so that no region is selected: with one, picking a label would change that region's."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_function("() => Htx.annotationStore.selected.selectedRegions.length === 0")

    def delete_regions(self) -> None:
        """Select the regions one by one in the list beside the picture, and press Backspace."""
        while self.held_regions():
            n_before = len(self.held_regions())
            self.page.locator(".lsf-outliner-item").first.click()
            self.page.keyboard.press("Backspace")
            self.wait_until(lambda n=n_before: len(self.held_regions()) < n, "a region to go")
        self.settle()

    def accept(self) -> None:
        """Accept all suggestions."""
        self.page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self.page.wait_for_function("() => Htx.annotationStore.selected.suggestions.size === 0")
        self.settle()

    def reject(self) -> None:
        """Reject all suggestions."""
        self.page.get_by_test_id("bottombar-reject-suggestions-button").click()
        self.page.wait_for_function("() => Htx.annotationStore.selected.suggestions.size === 0")
        self.settle()

    def select_prediction(self) -> None:
        """Look at the task's first prediction, by its tab above the picture, and wait until it is drawn."""
        self._prediction_tab.locator(".lsf-annotation-button__mainSection").click()
        self.page.wait_for_function("() => Htx.annotationStore.selected.type === 'prediction'")
        self.settle()

    def copy_prediction(self) -> None:
        """Make an annotation of the task's first prediction, by the menu of its tab."""
        n_before = self._n_annotations()
        self._prediction_tab.locator(".lsf-annotation-button__trigger").click()
        self.page.get_by_text("Duplicate Annotation").click()
        self.wait_until(lambda: self._n_annotations() == n_before + 1, "a copy of the prediction")
        self.page.wait_for_function("() => Htx.annotationStore.selected.type === 'annotation'")
        self.settle()

    def submit(self) -> None:
        """Submit the annotation and wait until the server has it."""
        with self.page.expect_response(
            lambda response: "/annotations" in response.url and response.request.method == "POST"
        ) as answer:
            self.page.get_by_test_id("bottombar-submit-button").click()
        if not answer.value.ok:
            raise RuntimeError(f"Label Studio answered {answer.value.status} to the submission: {answer.value.text()}")

    def wait_for_answer(self, answered: Json) -> None:
        """Wait until the editor holds an answered region, as a suggestion or accepted, and has drawn it."""
        self.wait_until(
            lambda: any(one["id"] == answered["id"] and _is_same_shape(one, answered) for one in self.held_regions()),
            f"the editor to hold region {answered['id']} as it was answered",
        )
        self.settle()

    def held_regions(self) -> list[Json]:
        """Return all results that the editor holds: of suggestions, accepted regions and prompts."""
        return list(json.loads(self.page.evaluate(_HELD)))

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition while the page lives on.

        Raises:
            TimeoutError: it did not become true.
        """
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {PATIENCE_MS / 1000:g} s for {what}")
            self.wait(POLL_S)

    def canvas_rgb(self) -> NDArray[np.int16]:
        """Return the picture as the screen shows it, with all that is drawn over it, in image px: (h, w, 3)."""
        self.page.mouse.move(5, 5)
        self.settle()
        shot = Image.open(io.BytesIO(self.page.screenshot(clip=self._picture_box()))).convert("RGB")
        size_wh = self._picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        return np.asarray(shot.resize(tuple(size_wh), Image.Resampling.BILINEAR), np.int16)

    def save_screenshot(self, path: Path) -> None:
        """Keep the whole window as PNG."""
        self.page.mouse.move(5, 5)
        self.settle()
        self.page.screenshot(path=path)

    def wait(self, seconds: float) -> None:
        """Wait; unlike sleep, this keeps the page's events flowing."""
        self.page.wait_for_timeout(1000 * seconds)

    def settle(self) -> None:
        """Wait until the window has looked the same for a while: its layout goes on after the picture is there."""
        seen, since_s = self.page.screenshot(), time.monotonic()

        def is_still() -> bool:
            nonlocal seen, since_s
            now = self.page.screenshot()
            if now != seen:
                seen, since_s = now, time.monotonic()
            return time.monotonic() - since_s >= STILL_S

        self.wait_until(is_still, "the window to stand still")

    def close(self) -> None:
        """Close the window."""
        self.page.context.close()

    def _turn_on(self, test_id: str) -> None:
        toggle = self.page.get_by_test_id(test_id)
        if not toggle.is_checked():
            self.page.locator("label", has=toggle).click()
        self.wait_until(toggle.is_checked, f"{test_id} to be on")
        self.settle()

    @property
    def _prediction_tab(self) -> Locator:
        picture = self.page.locator(".lsf-annotation-button__userpic_prediction")
        return self.page.locator(".lsf-annotation-button", has=picture).first

    def _n_annotations(self) -> int:
        return int(self.page.evaluate("() => Htx.annotationStore.annotations.length"))

    @property
    def _picture(self) -> Locator:
        return self.page.locator("img[alt=image]").first

    def _picture_box(self) -> FloatRect:
        box = self._picture.bounding_box()
        if box is None:
            raise RuntimeError("the picture isn't on the screen: open a task first")
        return box

    def _to_screen(self, x_px: float, y_px: float) -> tuple[float, float]:
        box = self._picture_box()
        width, height = self._picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
        return box["x"] + x_px / width * box["width"], box["y"] + y_px / height * box["height"]

    def _palettes(self) -> list[str]:
        names = self.page.evaluate(
            "() => JSON.stringify(Array.from(Htx.annotationStore.selected.names.values())"
            ".filter(c => c.type.endsWith('labels')).map(c => c.name))"
        )
        return list(json.loads(names))


def _is_same_shape(held: Json, answered: Json) -> bool:
    return is_mask(held) and (mask_of(held) == mask_of(answered)).mean() > ALMOST_ALL


def changed_pixels(before_rgb: NDArray[np.int16], after_rgb: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return where two views of the canvas differ, (h, w)."""
    return np.asarray(np.abs(after_rgb - before_rgb).max(axis=-1) > CHANGED)
