import pytest

from sam_backend.errors import RequestError
from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.output import Output, outputs_of
from sam_backend.label_studio.output_options import OutputOptions

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
CLASSIC = """<View>
  <RectangleLabels name="rect" toName="image"><Label value="Car"/></RectangleLabels>
  <EllipseLabels name="ellipse" toName="image"><Label value="Car"/></EllipseLabels>
  <VectorLabels name="vector" toName="image"><Label value="Car"/></VectorLabels>
  <BrushLabels name="brush" toName="image"><Label value="Car"/></BrushLabels>
  <BitmaskLabels name="bitmask" toName="image"><Label value="Car"/></BitmaskLabels>
  <PolygonLabels name="polygon" toName="image"><Label value="Car"/></PolygonLabels>
  <KeyPointLabels name="kp" toName="image" smart="true"><Label value="Car"/></KeyPointLabels>
</View>"""


def _outputs(xml: str, to_name: str = "image", label: str | None = "Car") -> tuple[Output, ...]:
    return outputs_of(parse_labeling_config(xml), to_name, label)


def _output_name(xml: str, to_name: str, label: str | None) -> str | None:
    names = [output.control.name for output in _outputs(xml, to_name, label)]
    return names[0] if names else None


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
            '<KeyPointLabels name="k" toName="i"><Label value="A"/></KeyPointLabels>', "i", "A", None, id="prompts"
        ),
        pytest.param(
            '<PolygonLabels name="b" toName="i"><Label value="A"/></PolygonLabels>', "i", "A", "b", id="polygon"
        ),
    ],
)
def test_output_fits_object_and_label(xml: str, to_name: str, label: str | None, output: str | None) -> None:
    assert _output_name(xml, to_name, label) == output


def test_polygon_comes_first_and_rectangle_last() -> None:
    names, xml = [], CLASSIC
    while found := _outputs(xml):
        names.append(found[0].control.name)
        xml = xml.replace(f'name="{names[-1]}"', f'name="{names[-1]}" model_output="false"')
    assert names == ["polygon", "bitmask", "brush", "vector", "ellipse", "rect"]


def test_all_marked_tags_that_fit_answer_and_no_other() -> None:
    xml = CLASSIC
    for name in ("rect", "brush"):
        xml = xml.replace(f'name="{name}"', f'name="{name}" model_output="true"')
    xml = xml.replace("</View>", '<Bitmask name="bare" toName="image" model_output="true"/></View>')
    assert [output.control.name for output in _outputs(xml)] == ["rect", "brush"]


def test_label_is_told_in_the_words_of_the_tag_that_answers() -> None:
    xml = '<PolygonLabels name="p" toName="image"><Label value="Vehicle" predicted_values="Car"/></PolygonLabels>'
    (output,) = _outputs(xml)
    assert (output.label, output.shape) == ("Vehicle", "polygon")


def test_unlabelled_tag_takes_what_its_palette_takes_under_another_name() -> None:
    xml = (
        '<View><Labels name="l" toName="image"><Label value="Vehicle" predicted_values="Car"/></Labels>'
        '<Polygon name="p" toName="image"/></View>'
    )
    (output,) = _outputs(xml)
    assert output.label is None


def test_options_are_read_from_the_tag_and_usual_where_absent() -> None:
    attributes = (
        'model_simplify_px="2.5" model_holes="cut" model_parts="LARGEST" model_rotated="true" '
        'model_score_threshold="0.5" model_multimask="false"'
    )
    (output,) = _outputs(f'<Polygon name="p" toName="image" {attributes}/>', label=None)
    assert output.options == OutputOptions(2.5, True, True, True, 0.5, False)
    (output,) = _outputs('<Polygon name="p" toName="image"/>', label=None)
    assert output.options == OutputOptions()


@pytest.mark.parametrize(
    "attribute",
    [
        'model_simplify_px="fine"',
        'model_simplify_px="-1"',
        'model_simplify_px="nan"',
        'model_simplify_px="inf"',
        'model_score_threshold="50"',
        'model_holes="keep"',
        'model_rotated="1"',
    ],
)
def test_option_that_makes_no_sense_is_named_with_its_tag(attribute: str) -> None:
    with pytest.raises(RequestError, match=rf"has {attribute.split('=')[0]}='.*' in the tag 'p', where .* was wanted"):
        _outputs(f'<Polygon name="p" toName="image" {attribute}/>', label=None)
