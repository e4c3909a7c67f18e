"""Somebody at work on one task: each prompt is answered, held and drawn before the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from backend import Exchange
from editor import Editor, Json, Key, SmartTool, changed_pixels
from numpy.typing import NDArray
from project import Project
from region_masks import iou, is_mask, mask_of

DRAWN = 0.9
"""Of a mask's pixels: what has changed on the screen once it is drawn; outlines and marks cover some."""


@dataclass(slots=True)
class Desk:
    """The open editor, the project, and a folder for what was seen."""

    editor: Editor
    project: Project
    artifacts: Path
    name: str
    """Of the test, for the pictures."""

    palettes: tuple[str, str] = ("click", "box")
    """Names of the controls where the label of a key point and of a rectangle is picked."""

    label: str = "Nucleus"
    tool: SmartTool | None = None
    """The one in the hand."""

    untouched_rgb: NDArray[np.int16] = field(init=False)
    """The picture before anything was pointed at, (h, w, 3)."""

    n_seen: int = 0

    def open_task(self, *, auto_accept: bool = False) -> None:
        """Open the project's task and turn on Auto-Annotation, and Auto-Accept if asked to."""
        self.editor.open_task(self.project.project, self.project.task)
        self.editor.turn_on_auto_annotation()
        if auto_accept:
            self.editor.turn_on_auto_accept()

    def click(self, x_px: float, y_px: float, *, holding: Sequence[Key] = ()) -> Exchange:
        """Pick the label, click with the smart key point at image px and wait until the answer is drawn."""
        self._take("key-point-tool")
        self.editor.choose_label(self.palettes[0], self.label)
        self.editor.click(x_px, y_px, holding=holding)
        return self._answered()

    def click_in_vain(self, x_px: float, y_px: float) -> str:
        """Click as above where no mask can come, and return what the backend says instead."""
        self._take("key-point-tool")
        self.editor.choose_label(self.palettes[0], self.label)
        self.editor.click(x_px, y_px)
        (region,) = self._next_answer().regions
        assert region["type"] == "textarea"
        (sentence,) = region["value"]["text"]
        return str(sentence)

    def drag_box(self, box_xyxy: tuple[float, float, float, float]) -> Exchange:
        """Pick the label, draw a smart rectangle in image px and wait until the answer is drawn."""
        self._take("rectangle-tool")
        self.editor.choose_label(self.palettes[1], self.label)
        self.editor.drag_box(box_xyxy)
        return self._answered()

    def look(self, what: str) -> None:
        """Keep a picture of the window."""
        self.n_seen += 1
        self.editor.save_screenshot(self.artifacts / f"{self.name}-{self.n_seen}-{what}.png")

    def accepted_masks(self) -> dict[str, NDArray[np.bool_]]:
        """Return the masks that the editor holds, by the region's id."""
        return {one["id"]: mask_of(one) for one in self.editor.held_regions() if is_mask(one)}

    def submit(self) -> list[Json]:
        """Submit, and return the results as Label Studio stored them."""
        self.editor.submit()
        self.look("submitted")
        (annotation,) = self.project.api.annotations(self.project.task)
        return list(annotation["result"])

    def wait_until_drawn(self, mask: NDArray[np.bool_]) -> None:
        """Wait until the screen has changed where a mask lies."""
        self.editor.wait_until(
            lambda: bool(changed_pixels(self.untouched_rgb, self.editor.canvas_rgb())[mask].mean() > DRAWN),
            "the mask to be drawn",
        )

    def wait_until_nothing_else_is_drawn(self, mask: NDArray[np.bool_]) -> None:
        """Wait until the screen has changed where a mask lies and nowhere else: marks and buttons fade out slowly."""
        self.editor.wait_until(
            lambda: iou(changed_pixels(self.untouched_rgb, self.editor.canvas_rgb()), mask) > DRAWN,
            "the mask and nothing else to be drawn",
        )

    def _take(self, tool: SmartTool) -> None:
        if self.tool != tool:
            self.editor.take_smart_tool(tool)
        if self.tool is None:
            self.untouched_rgb = self.editor.canvas_rgb()
        self.tool = tool

    def _next_answer(self) -> Exchange:
        self.project.n_clicks += 1
        return self.project.proxy.wait_for_click(self.project.n_clicks, self.editor.wait)

    def _answered(self) -> Exchange:
        exchange = self._next_answer()
        for region in exchange.regions:
            self.editor.wait_for_answer(region)
        return exchange


def only_region(exchange: Exchange) -> Json:
    """Return the one region of an answer."""
    assert exchange.status == 200
    assert len(exchange.regions) == 1
    return exchange.regions[0]
