"""The page at /try, as somebody sees and touches it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Request

PATIENCE_MS = 300_000
"""Of one step; the machine may have other work."""

NUCLEUS_XY, NEIGHBOUR_XY, DARK_XY = (300, 330), (585, 210), (60, 60)
"""In the sample picture, in image px."""

BOX_XYXY = (620, 400, 760, 540)


@dataclass(slots=True)
class TryPage:
    """The open page."""

    page: Page
    faults: list[str] = field(default_factory=list)
    """What the console or an uncaught error said, such as a breach of the content policy."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests for masks."""

    n_sent: int = 0
    """How often a picture was sent."""

    @classmethod
    def open(cls, browser: Browser, url: str, **context: Any) -> TryPage:  # noqa: ANN401 - Playwright's own
        """Open the page in a fresh window."""
        usual = {"viewport": {"width": 1200, "height": 760}}
        opened = cls(browser.new_context(**(usual | context)).new_page())
        page = opened.page
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: opened.faults.append(str(error)))
        page.on("console", lambda line: opened.faults.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: opened._note(request))  # Playwright marks a method, which slots forbid
        page.goto(url)
        return opened

    def _note(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/masks"):
            self.asked.append(request.post_data_json)
        elif request.method == "POST":
            self.n_sent += 1

    def close(self) -> None:
        """Close the window."""
        self.page.context.close()

    def take_sample(self) -> None:
        """Open the sample picture and wait until it is encoded."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/pictures")):
            self.page.click("#sample")
        self.page.wait_for_function("() => document.querySelector('#canvas').dataset.view")
        self.settle()

    def take_file(self, path: Path) -> None:
        """Open a picture of the computer and wait until it is encoded."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/pictures")):
            self.choose_file(path.name, "image/png", path.read_bytes())
        self.page.wait_for_function("() => document.querySelector('#canvas').dataset.view")
        self.settle()

    def choose_file(self, name: str, mime_type: str, content: bytes) -> None:
        """Open a file of the computer."""
        self.page.set_input_files("#file", FilePayload(name=name, mimeType=mime_type, buffer=content))

    def error(self) -> str:
        """Wait for an error and return its sentence."""
        self.page.wait_for_selector("#error:not([hidden])")
        return self.page.inner_text("#error-text")

    def settle(self) -> None:
        """Wait until nothing is asked for and what came has been drawn."""
        self.page.wait_for_function(
            "() => document.querySelector('#stage').ariaBusy !== 'true' && document.querySelector('#busy').hidden"
        )
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def answered(self, act: Callable[[], object]) -> None:
        """Do what asks for masks, and wait until they are drawn."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/masks") and answer.ok):
            act()
        self.settle()

    def click(self, x_px: float, y_px: float, *, is_foreground: bool = True) -> None:
        """Click at image px, with Alt if it is not the object, and wait for the masks."""
        x, y = self.to_screen(x_px, y_px)
        if not is_foreground:
            self.page.keyboard.down("Alt")
        self.answered(lambda: self.page.mouse.click(x, y))
        if not is_foreground:
            self.page.keyboard.up("Alt")

    def drag_box(self, box_xyxy: tuple[float, float, float, float]) -> None:
        """Drag a box in image px and wait for the masks."""
        self.page.mouse.move(*self.to_screen(*box_xyxy[:2]))
        self.page.mouse.down()
        self.page.mouse.move(*self.to_screen(*box_xyxy[2:]), steps=4)
        self.answered(self.page.mouse.up)

    def press(self, key: str) -> None:
        """Press a key that asks for nothing."""
        self.page.keyboard.press(key)
        self.settle()

    def view(self) -> tuple[float, float, float]:
        """Return scale and position of the picture on the canvas, in screen px."""
        scale, x, y = map(float, (self.page.get_attribute("#canvas", "data-view") or "").split())
        return scale, x, y

    def to_screen(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Return where image px lie in the window."""
        scale, x, y = self.view()
        box = self.page.locator("#canvas").bounding_box()
        assert box
        return box["x"] + x + scale * x_px, box["y"] + y + scale * y_px

    def seen_rgb(self) -> NDArray[np.uint8]:
        """Return what the canvas shows, (h, w, 3)."""
        url = self.page.evaluate("() => document.querySelector('#canvas').toDataURL()")
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
            return np.asarray(picture.convert("RGB"))

    def colour_at(self, x_px: float, y_px: float) -> NDArray[np.int64]:
        """Return the colour shown at image px."""
        scale, x, y = self.view()
        return self.seen_rgb()[int(y + scale * y_px), int(x + scale * x_px)].astype(np.int64)

    def masks(self) -> list[str]:
        """Return names and scores of the masks to choose from."""
        return [button.inner_text().replace("\n", " ") for button in self.page.locator("#masks button").all()]

    def chosen(self) -> int:
        """Return the index of the chosen mask."""
        checked = self.page.locator("#masks button").evaluate_all("(all) => all.map((one) => one.ariaChecked)")
        assert checked.count("true") == 1
        return int(checked.index("true"))

    def objects(self) -> list[str]:
        """Return the lines of the kept objects."""
        return self.page.locator("#objects li").all_inner_texts()

    def download(self, ending: str) -> Path:
        """Save a file and return where it lies."""
        with self.page.expect_download() as saved:
            self.page.click(f"#save-{ending}")
        assert saved.value.suggested_filename == f"nuclei-masks.{ending}"
        return saved.value.path()

    def download_json(self, ending: str) -> Any:  # noqa: ANN401 - JSON
        """Save a file and return what is in it."""
        return json.loads(self.download(ending).read_text())
