"""The labeling config decides which shape a click is answered with, and the editor takes and stores each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from backend import RecordingProxy
from desk import Desk, only_region
from nuclei import NucleiScene
from project import Project
from region_masks import iou, mask_of
from studio import StudioApi

pytestmark = pytest.mark.e2e

CLICKED, BOXED = 2, 6
RIGHT_IOU = 0.7

THREE_PALETTES = """<View>
  <Image name="image" value="$image"/>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true"><Label value="Nucleus"/></KeyPointLabels>
  <RectangleLabels name="box" toName="image" smart="true" smartOnly="true"><Label value="Nucleus"/></RectangleLabels>
  <{tag} name="object" toName="image" smart="false"><Label value="Nucleus" background="#ffb000"/></{tag}>
</View>"""

ONE_PALETTE = """<View>
  <Image name="image" value="$image"/>
  <Labels name="what" toName="image"><Label value="Nucleus" background="#ffb000"/></Labels>
  <Brush name="object" toName="image" smart="false"/>
  <KeyPoint name="click" toName="image" smart="true"/>
  <Rectangle name="box" toName="image" smart="true"/>
</View>"""


@pytest.mark.parametrize("tag", ["PolygonLabels", "BitmaskLabels"])
def test_click_is_answered_and_stored_in_the_shape_of_the_config(
    sit_down: Callable[..., Desk],
    api: StudioApi,
    proxy: RecordingProxy,
    scene: NucleiScene,
    nuclei_png: Path,
    tag: str,
) -> None:
    desk = sit_down(Project.of_upload(api, proxy, THREE_PALETTES.format(tag=tag), nuclei_png))
    answered = only_region(desk.click(*scene.center_xy(CLICKED)))
    desk.look("suggestion")
    desk.editor.accept()
    desk.look("accepted")
    (stored,) = desk.submit()
    assert (stored["id"], stored["type"], stored["from_name"]) == (answered["id"], tag.lower(), "object")
    assert stored["value"][tag.lower()] == ["Nucleus"]
    assert iou(mask_of(stored), scene.mask(CLICKED)) >= RIGHT_IOU


def test_one_palette_for_all_tools_labels_the_mask(
    sit_down: Callable[..., Desk], api: StudioApi, proxy: RecordingProxy, scene: NucleiScene, nuclei_png: Path
) -> None:
    desk = sit_down(Project.of_upload(api, proxy, ONE_PALETTE, nuclei_png), palettes=("what", "what"))
    click = desk.click(*scene.center_xy(CLICKED))
    desk.look("click")
    assert sorted(prompt["type"] for prompt in click.prompts) == ["keypoint", "labels"]
    assert len({prompt["id"] for prompt in click.prompts}) == 1
    desk.editor.accept()

    box = desk.drag_box(scene.box_xyxy(BOXED))
    desk.look("box")
    assert sorted(prompt["type"] for prompt in box.prompts) == ["labels", "rectangle"]
    desk.editor.accept()

    stored = desk.submit()
    for exchange, index in ((click, CLICKED), (box, BOXED)):
        mine = {one["type"]: one for one in stored if one["id"] == only_region(exchange)["id"]}
        assert sorted(mine) == ["brush", "labels"]
        assert mine["labels"]["value"]["labels"] == ["Nucleus"]
        assert iou(mask_of(mine["brush"]), scene.mask(index)) >= RIGHT_IOU
