import pytest

from sam_backend.errors import OptionsError
from sam_backend.label_studio.label_choice import choose_label
from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.palette import with_palette_label


def _config(tags: str) -> str:
    return f'<View><Image name="image" value="$image"/>{tags}</View>'


def _tag(tag: str, *labels: str, options: str = "") -> str:
    inner = "".join(f'<Label value="{label}"/>' for label in labels)
    return f'<{tag} name="{tag}" toName="image" {options}>{inner}</{tag}>'


@pytest.mark.parametrize(
    ("tags", "chosen", "label", "shape"),
    [
        pytest.param(_tag("BrushLabels", "Car"), None, "Car", "brush", id="only label"),
        pytest.param(_tag("BrushLabels", "Car", "Tree"), "Tree", "Tree", "brush", id="chosen"),
        pytest.param(_tag("Brush"), None, None, "brush", id="no labels at all"),
        pytest.param(_tag("Labels", "Car") + _tag("Polygon"), None, "Car", "polygon", id="palette"),
        pytest.param(
            _tag("BrushLabels", "Car") + _tag("RectangleLabels", "Car", "Sign"), None, "Car", "brush", id="masks first"
        ),
        pytest.param(_tag("RectangleLabels", "Sign"), None, "Sign", "rectangle", id="rectangles if nothing else"),
        pytest.param(
            _tag("BrushLabels", "Car") + _tag("KeyPointLabels", "Car", "Dog"),
            None,
            "Car",
            "brush",
            id="of outputs only",
        ),
        pytest.param(_tag("BrushLabels", options='value="$labels"'), "Any", "Any", "brush", id="labels of the data"),
    ],
)
def test_label_and_tags_that_take_it(tags: str, chosen: str | None, label: str | None, shape: str) -> None:
    found, outputs = choose_label(parse_labeling_config(_config(tags)), "image", chosen)
    assert (found, [output.shape for output in outputs]) == (label, [shape])


def test_predicted_value_stands_for_its_label() -> None:
    tag = '<BrushLabels name="b" toName="image"><Label value="Car" predicted_values="auto"/></BrushLabels>'
    _, (output,) = choose_label(parse_labeling_config(_config(tag)), "image", "auto")
    assert output.label == "Car"


@pytest.mark.parametrize(
    ("tags", "chosen", "wanted"),
    [
        pytest.param(_tag("BrushLabels", "Car", "Tree"), None, "give --label with 'Car' or 'Tree'", id="several"),
        pytest.param(_tag("BrushLabels", "Car"), "Boat", "the label 'Boat': give --label with 'Car'", id="unknown"),
        pytest.param(_tag("KeyPointLabels", "Car"), None, "takes an object: add Polygon", id="no tag"),
        pytest.param(_tag("KeyPointLabels", "Car"), "Car", "an object with the label 'Car': add", id="no tag for it"),
        pytest.param(_tag("BrushLabels", options='value="$labels"'), None, "come with each task's data", id="data"),
    ],
)
def test_choice_that_can_not_be_made_is_told(tags: str, chosen: str | None, wanted: str) -> None:
    with pytest.raises(OptionsError, match=wanted):
        choose_label(parse_labeling_config(_config(tags)), "image", chosen)


def test_region_gets_a_palette_s_label_only_where_its_tag_has_none() -> None:
    config = parse_labeling_config(_config(_tag("Labels", "Car") + _tag("Brush") + _tag("PolygonLabels", "Car")))
    brush = {"id": "a", "from_name": "Brush", "to_name": "image", "type": "brush", "value": {"rle": [1]}}
    polygon = {**brush, "type": "polygonlabels"}
    labelled = with_palette_label([brush, polygon], config, "Car")
    assert [region["type"] for region in labelled] == ["brush", "labels", "polygonlabels"]
    assert labelled[1] == {**brush, "from_name": "Labels", "type": "labels", "value": {"rle": [1], "labels": ["Car"]}}
    assert with_palette_label([brush], config, "Boat") == [brush]
    assert with_palette_label([brush], config, None) == [brush]
