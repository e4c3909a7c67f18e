"""The labeling configs that the documentation gives to copy get an answer for each of their labels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.output import outputs_of

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = re.findall(r"```xml\n(.*?)```", (DOCS / "quick-start.md").read_text(), re.DOTALL)
CONFIGS = [(DOCS / "labeling-config.xml").read_text(), *BLOCKS]
SHAPES = ["brush", "brush", "polygon"]


@pytest.mark.parametrize(
    ("xml", "shape"), list(zip(CONFIGS, SHAPES, strict=True)), ids=["three palettes", "one", "polygons"]
)
def test_each_label_of_a_documented_config_is_answered_with_its_shape(xml: str, shape: str) -> None:
    labels = set(re.findall(r'<Label value="([^"]+)"', xml))
    config = parse_labeling_config(xml)
    answered = {label: [output.shape for output in outputs_of(config, "image", label)] for label in labels}
    assert answered == {label: [shape] for label in labels}


def test_a_config_with_a_text_area_shows_messages() -> None:
    with_text_area = [xml for xml in CONFIGS if "<TextArea" in xml]
    assert [parse_labeling_config(xml).message_control("image") is not None for xml in with_text_area] == [True]
