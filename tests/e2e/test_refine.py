"""One object said in several clicks: its region keeps its id, and its mask gets better."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from desk import Desk, only_region
from nuclei import NucleiScene
from project import Project
from region_masks import iou, mask_of
from studio import Json

pytestmark = pytest.mark.e2e

CLICKED, OTHER, BOXED = 2, 6, 4
RIGHT_IOU = 0.7
DRAFT_S = 12.0
"""By then the editor has saved a draft with what was answered, and a later one can be told from it."""

WORSE_IOU = 0.03
"""How much a further click may cost: the embedded model is small."""


def test_with_auto_accept_a_click_in_the_mask_refines_it_and_one_elsewhere_begins_a_new_object(
    sit_down: Callable[..., Desk], uploaded: Project, scene: NucleiScene
) -> None:
    desk, truth = sit_down(uploaded, auto_accept=True), scene.mask(CLICKED)
    x, y = scene.center_xy(CLICKED)
    radius = scene.nuclei[CLICKED].radius_px

    first = only_region(desk.click(x, y))
    desk.look("accepted")
    assert list(desk.accepted_masks()) == [first["id"]]

    added = only_region(desk.click(x + 0.5 * radius, y, holding=["Control"]))
    desk.look("ctrl-click")
    assert added["id"] == first["id"]
    assert (mask_of(added) != mask_of(first)).any()
    assert iou(mask_of(added), truth) >= max(RIGHT_IOU, iou(mask_of(first), truth) - WORSE_IOU)

    spot_x, spot_y = x - 0.6 * radius, y
    taken = only_region(desk.click(spot_x, spot_y, holding=["Control", "Alt"]))
    desk.look("alt-click")
    assert taken["id"] == first["id"]
    assert mask_of(added)[int(spot_y), int(spot_x)]
    assert not mask_of(taken)[int(spot_y), int(spot_x)]

    other = only_region(desk.click(*scene.center_xy(OTHER)))
    desk.look("another")
    assert other["id"] != first["id"]
    stored = {result["id"]: mask_of(result) for result in desk.submit()}
    assert list(stored) == [first["id"], other["id"]]
    assert (stored[first["id"]] == mask_of(taken)).all()
    assert iou(stored[other["id"]], scene.mask(OTHER)) >= RIGHT_IOU


def test_mask_that_was_deleted_is_begun_anew(
    sit_down: Callable[..., Desk], uploaded: Project, scene: NucleiScene
) -> None:
    desk = sit_down(uploaded, auto_accept=True)
    x, y = scene.center_xy(CLICKED)
    first = only_region(desk.click(x, y))
    mistaken = only_region(desk.click(x - 0.6 * scene.nuclei[CLICKED].radius_px, y, holding=["Control", "Alt"]))
    assert mistaken["id"] == first["id"]
    desk.editor.wait(DRAFT_S)
    desk.editor.delete_regions()
    desk.look("deleted")
    desk.editor.wait_until(lambda: _drafted(uploaded) == [], "a draft without regions")
    again = only_region(desk.click(x, y))
    desk.look("again")
    assert again["id"] != first["id"]
    assert (mask_of(again) == mask_of(first)).all()


def test_click_in_a_box_joins_it_though_the_editor_sends_them_apart(
    sit_down: Callable[..., Desk], uploaded: Project, scene: NucleiScene
) -> None:
    desk = sit_down(uploaded)
    box = desk.drag_box(scene.box_xyxy(BOXED))
    desk.look("box")
    desk.editor.unselect()
    point = desk.click(*scene.center_xy(BOXED), holding=["Control"])
    desk.look("point")
    assert [prompt["type"] for prompt in box.prompts] == ["rectanglelabels"]
    assert [prompt["type"] for prompt in point.prompts] == ["keypointlabels"]
    assert only_region(point)["id"] == only_region(box)["id"]

    desk.editor.accept()
    (stored,) = desk.submit()
    assert iou(mask_of(stored), scene.mask(BOXED)) >= RIGHT_IOU


def _drafted(project: Project) -> list[Json]:
    return [region for draft in project.api.drafts(project.task) for region in draft["result"]]
