import pytest

from sam_backend.label_studio.labeling_config import parse_labeling_config
from sam_backend.label_studio.messages import message_region, message_result

CONFIG = parse_labeling_config('<View><TextArea name="sam" toName="left,right"/></View>')


def test_message_is_a_text_of_the_picture() -> None:
    (control,) = CONFIG.controls
    region = message_region("no", control, "right", region_id="r")
    assert region == {
        "id": "r",
        "from_name": "sam",
        "to_name": "right",
        "type": "textarea",
        "value": {"text": ["no"]},
        "readonly": False,
        "origin": "prediction",
    }
    assert message_region("no", control, "right")["id"] != message_region("no", control, "right")["id"]


@pytest.mark.parametrize(
    ("to_name", "shown_at"),
    [("right", "right"), ("third", "left"), (None, "left")],
    ids=["its own", "other", "unknown"],
)
def test_message_is_shown_where_there_is_a_text_area(to_name: str | None, shown_at: str) -> None:
    result = message_result("no", CONFIG, to_name)
    assert result is not None
    assert [region["to_name"] for region in result["result"]] == [shown_at]


def test_config_without_a_text_area_shows_nothing() -> None:
    assert message_result("no", parse_labeling_config("<View/>"), "image") is None
