"""A click in a real Label Studio, in a real browser, comes back as the right mask and is stored as it was answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from desk import Desk, only_region
from editor import Editor
from nuclei import NucleiScene
from numpy.typing import NDArray
from project import Project
from region_masks import iou, mask_of

pytestmark = pytest.mark.e2e

CLICKED, BOXED = 2, 6
"""Nuclei of the scene. This test is about the way of a click, so it takes two that the embedded model answers well."""

RIGHT_IOU = 0.7


def test_click_refined_by_alt_click_is_stored_as_answered(
    sit_down: Callable[..., Desk], uploaded: Project, scene: NucleiScene
) -> None:
    neighbour = scene.nuclei[scene.nearest_neighbour(CLICKED)]
    desk = sit_down(uploaded)
    desk.look("before")

    first = desk.click(*scene.center_xy(CLICKED))
    desk.look("suggestion")
    assert [prompt["is_positive"] for prompt in first.prompts] == [True]
    desk.wait_until_drawn(mask_of(only_region(first)))

    refined = desk.click(neighbour.center_x_px, neighbour.center_y_px, holding=["Alt"])
    desk.look("refined")
    assert [prompt["is_positive"] for prompt in refined.prompts] == [True, False]
    answered = only_region(refined)
    assert not mask_of(answered)[int(neighbour.center_y_px), int(neighbour.center_x_px)]

    desk.editor.accept()
    desk.wait_until_nothing_else_is_drawn(mask_of(answered))
    (stored,) = desk.submit()
    _assert_stored_as_answered(stored, answered, scene.mask(CLICKED))


def test_rectangle_is_stored_as_answered(sit_down: Callable[..., Desk], uploaded: Project, scene: NucleiScene) -> None:
    desk = sit_down(uploaded)
    box = desk.drag_box(scene.box_xyxy(BOXED))
    desk.look("suggestion")
    assert [prompt["type"] for prompt in box.prompts] == ["rectanglelabels"]

    desk.editor.accept()
    desk.wait_until_nothing_else_is_drawn(mask_of(only_region(box)))
    (stored,) = desk.submit()
    _assert_stored_as_answered(stored, only_region(box), scene.mask(BOXED))


def test_opening_a_task_asks_the_backend_and_stores_nothing(editor: Editor, uploaded: Project) -> None:
    for n_opened in (1, 2):
        n_asked = len(uploaded.proxy.predictions())
        editor.open_task(uploaded.project, uploaded.task)
        asked = uploaded.proxy.predictions()[n_asked:]
        assert asked, f"opening {n_opened} asked nothing"
        assert all(exchange.answer == {"results": []} for exchange in asked)
    assert uploaded.api.predictions(uploaded.task) == []


def _assert_stored_as_answered(stored: dict[str, Any], answered: dict[str, Any], true_mask: NDArray[Any]) -> None:
    assert (stored["id"], stored["type"]) == (answered["id"], "brushlabels")
    assert stored["value"]["brushlabels"] == ["Nucleus"]
    # The editor packs the mask anew. Where the bits end on a whole byte, the SDK's packer, which ours equals,
    # adds one byte of filling and the editor's doesn't: the one difference there may be.
    answered_rle = answered["value"]["rle"]
    assert stored["value"]["rle"] in (answered_rle, _without_filling_byte(answered_rle))
    assert iou(mask_of(stored), true_mask) >= RIGHT_IOU


def _without_filling_byte(rle: list[int]) -> list[int]:
    return rle[:-1] if rle[-1] == 0 else rle
