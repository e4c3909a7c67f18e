import pytest
from recorded import recorded

from sam_backend.errors import RequestError
from sam_backend.label_studio.labeling_config import Control, LabelingConfig, parse_labeling_config


def test_recorded_config_is_read_whole() -> None:
    config = parse_labeling_config(recorded("predict_keypoint")["label_config"])
    labels = frozenset(["Object"])
    assert config.controls == (
        Control("brushlabels", "tag", ("image",), labels),
        Control("keypointlabels", "tag2", ("image",), labels),
        Control("rectanglelabels", "tag3", ("image",), labels),
    )
    assert config.data_key("image") == "image"


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


def _control(xml: str) -> Control:
    (control,) = parse_labeling_config(f"<View>{xml}</View>").controls
    return control


def test_label_is_answered_as_itself_or_as_what_it_is_a_predicted_value_of() -> None:
    control = _control(
        '<BrushLabels name="b" toName="i"><Label value="Car" predicted_values="auto, Van"/><Label value="Van"/>'
        '<Label value="Tree" alias="T" predicted_values="auto,"/></BrushLabels>'
    )
    answers = {label: control.own_label(label) for label in ("Car", "auto", "Van", "T", "Tree", "", None)}
    assert answers == {"Car": "Car", "auto": "Car", "Van": "Van", "T": "T", "Tree": None, "": None, None: None}


@pytest.mark.parametrize(
    ("attribute", "is_output"),
    [("", None), ('model_output="true"', True), ('MODEL_output=" False"', False), ('model_output="maybe"', None)],
    ids=["absent", "true", "false", "neither"],
)
def test_tag_says_whether_it_is_answered_with(attribute: str, is_output: bool | None) -> None:
    assert _control(f'<Brush name="b" toName="i" {attribute}/>').is_output is is_output


@pytest.mark.parametrize(
    ("areas", "to_name", "name"),
    [
        pytest.param('<TextArea name="a" toName="i"/>', "i", "a", id="the only one"),
        pytest.param('<TextArea name="a" toName="i"/>', None, "a", id="of any picture"),
        pytest.param('<TextArea name="a" toName="j"/>', "i", None, id="of another picture"),
        pytest.param('<TextArea name="a" toName="i"/><TextArea name="sam" toName="i"/>', "i", "sam", id="named sam"),
        pytest.param(
            '<TextArea name="a" toName="i"/><TextArea name="b" toName="i" model_output="true"/>', "i", "b", id="marked"
        ),
        pytest.param('<TextArea name="sam" toName="i" model_output="false"/>', "i", None, id="marked as not ours"),
        pytest.param('<TextArea name="sam" toName="i" perRegion="true"/>', "i", None, id="of a region"),
        pytest.param('<Choices name="sam" toName="i"/>', "i", None, id="no text area"),
    ],
)
def test_messages_go_to_the_command_bar_or_else_to_the_first_text_area(
    areas: str, to_name: str | None, name: str | None
) -> None:
    control = parse_labeling_config(f"<View>{areas}</View>").message_control(to_name)
    assert (control and control.name) == name
