import pytest
from recorded import recorded

from sam_backend.errors import RequestError
from sam_backend.label_studio.labeling_config import Control, LabelingConfig, parse_labeling_config

UNIFIED = """<View>
  <!-- one palette for all -->
  <Labels name="label" toName="image"><Label value="Car"/><Label value="Tree" alias="T"/></Labels>
  <Brush name="brush" toName="image"/>
  <KeyPoint name="kp" toName="image" smart="true"/>
  <Image name="image" value="$picture"/>
</View>"""
TWO_BRUSHES = """<View>
  <Image name="left" value="$a"/><Image name="right" value="$b"/>
  <BrushLabels name="one" toName="left"><Label value="Car"/></BrushLabels>
  <BrushLabels name="two" toName="left"><Label value="Tree"/></BrushLabels>
  <BrushLabels name="three" toName="right,left"><View><Label value="Tree"/><Label value="Roof"/></View></BrushLabels>
</View>"""


def _output_name(xml: str, to_name: str, label: str | None) -> str | None:
    output = parse_labeling_config(xml).brush_output(to_name, label)
    return output and output.name


def test_recorded_config_is_read_whole() -> None:
    config = parse_labeling_config(recorded("predict_keypoint")["label_config"])
    labels = frozenset(["Object"])
    assert config.controls == (
        Control("brushlabels", "tag", ("image",), labels),
        Control("keypointlabels", "tag2", ("image",), labels),
        Control("rectanglelabels", "tag3", ("image",), labels),
    )
    assert config.data_key("image") == "image"


@pytest.mark.parametrize(
    ("xml", "to_name", "label", "output"),
    [
        pytest.param(UNIFIED, "image", "Car", "brush", id="label of the shared palette"),
        pytest.param(UNIFIED, "image", "T", "brush", id="alias stands for the value"),
        pytest.param(UNIFIED, "image", "Tree", None, id="a value with an alias is never sent"),
        pytest.param(UNIFIED, "image", "Boat", None, id="label in no palette"),
        pytest.param(UNIFIED, "image", None, "brush", id="no label"),
        pytest.param(UNIFIED, "other", "Car", None, id="other object"),
        pytest.param(TWO_BRUSHES, "left", "Car", "one", id="first tag"),
        pytest.param(TWO_BRUSHES, "left", "Tree", "two", id="label of the second tag"),
        pytest.param(TWO_BRUSHES, "left", "Roof", "three", id="tag of two objects, nested labels"),
        pytest.param(TWO_BRUSHES, "right", "Car", None, id="label of another object's tag"),
        pytest.param(TWO_BRUSHES, "left", None, None, id="labelled tags need a label"),
        pytest.param('<BrushLabels name="b" toName="i" value="$x"/>', "i", "Any", "b", id="labels from the data"),
        pytest.param(
            '<PolygonLabels name="b" toName="i"><Label value="A"/></PolygonLabels>', "i", "A", None, id="polygon"
        ),
    ],
)
def test_output_fits_object_and_label(xml: str, to_name: str, label: str | None, output: str | None) -> None:
    assert _output_name(xml, to_name, label) == output


@pytest.mark.parametrize("xml", [None, "", "  \n", "<View/>"], ids=["none", "empty", "blank", "no tags"])
def test_nothing_in_gives_an_empty_config(xml: str | None) -> None:
    assert parse_labeling_config(xml) == LabelingConfig()


@pytest.mark.parametrize(
    ("image", "key"),
    [
        pytest.param('<Image name="i" value="$p"/>', "p", id="value"),
        pytest.param('<IMAGE NAME="i" VALUE="$p"/>', "p", id="upper case"),
        pytest.param('<Image name="i" valueList="$many"/>', "many", id="list of pictures"),
        pytest.param('<Image name="i" value="fixed.png"/>', None, id="no variable"),
        pytest.param('<Image name="i"/>', None, id="no value"),
        pytest.param('<Audio name="i" value="$p"/>', None, id="no picture"),
    ],
)
def test_data_key_is_the_variable_of_the_picture(image: str, key: str | None) -> None:
    assert parse_labeling_config(f"<View>{image}</View>").data_key("i") == key


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("<View>", id="open tag"),
        pytest.param('<!DOCTYPE v [<!ENTITY a "aaaa">]><View>&a;</View>', id="entities"),
        pytest.param("<View>\ud800</View>", id="half a surrogate pair"),
    ],
)
def test_config_that_is_no_plain_xml_is_refused(xml: str) -> None:
    with pytest.raises(RequestError, match="save it again"):
        parse_labeling_config(xml)
