"""What a person does in the editor, and which object each prompt is then about."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import StorageError
from sam_backend.label_studio.own_session import Session
from sam_backend.label_studio.session import (
    Box,
    Click,
    Decision,
    Drawn,
    LastObject,
    answered,
    decide,
    drawn_of,
    lies_in,
    wanted_reading,
)
from sam_backend.label_studio.session_codec import decode_sessions, encode_sessions, rounded
from sam_backend.label_studio.smart_prompt import parse_smart_prompt
from sam_backend.masks.rle_coco import decode_coco_rle

IMAGE_HW = (400, 600)
"""1 % of its long side is 6 px."""

MASK_XYXY = (100, 100, 200, 200)
LOGITS = np.linspace(-9, 9, 64, dtype=np.float32).reshape(8, 8)


def square(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros(IMAGE_HW, bool)
    mask[top:bottom, left:right] = True
    return mask


def click(x_px: float, y_px: float, item_id: str | None = None, *, alt: bool = False) -> Click:
    return Click(x_px, y_px, is_foreground=not alt, item_id=item_id)


def nowhere_else(_: Click) -> bool:
    return False


class Annotator:
    """Draws, and gets a square for each object."""

    def __init__(self) -> None:
        self.last: LastObject | None = None
        self.n_objects = 0

    def draw(
        self, *clicks: Click, box: Box | None = None, known: bool = False, mask_xyxy: object = MASK_XYXY
    ) -> Decision:
        decision = decide(self.last, Drawn(clicks, box), lambda _: known)
        if decision.to_prompts() is not None:
            self.n_objects += decision.region_id is None
            region_id = decision.region_id or f"region {self.n_objects}"
            self.last = answered(decision, self.last, region_id, square(*mask_xyxy), LOGITS)  # type: ignore[misc]
        return decision

    @property
    def region_id(self) -> str:
        assert self.last is not None
        return self.last.region_id


@pytest.fixture
def annotator() -> Annotator:
    return Annotator()


def points(decision: Decision) -> list[tuple[float, float, bool]]:
    prompts = decision.to_prompts()
    assert prompts is not None
    return [(*xy, bool(fore)) for xy, fore in zip(prompts.points_xy.tolist(), prompts.is_foreground, strict=True)]


def test_first_click_starts_an_object_without_logits(annotator: Annotator) -> None:
    decision = annotator.draw(click(150, 150, "a"))
    assert (decision.region_id, decision.mask_logits, decision.step) == (None, None, 0)


def test_click_inside_the_accepted_mask_refines_it_with_all_clicks_and_the_logits(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(click(180, 120, "b"))
    assert decision.region_id == "region 1"
    assert points(decision) == [(150, 150, True), (180, 120, True)]
    assert decision.mask_logits is LOGITS


def test_alt_click_inside_the_accepted_mask_subtracts(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(click(180, 120, "b", alt=True))
    assert (decision.region_id, points(decision)[-1]) == ("region 1", (180, 120, False))


@pytest.mark.parametrize(
    ("x_px", "known", "refines"),
    [
        pytest.param(205.9, False, True, id="within 1 % of the edge"),
        pytest.param(205.9, True, False, id="within 1 %, but in another region"),
        pytest.param(207, False, False, id="farther away"),
        pytest.param(199, True, True, id="inside the mask, whatever else is there"),
    ],
)
def test_click_near_the_edge_refines_unless_another_region_is_there(
    annotator: Annotator, x_px: float, known: bool, refines: bool
) -> None:
    annotator.draw(click(150, 150, "a"))
    assert (annotator.draw(click(x_px, 150, "b"), known=known).region_id is not None) is refines


def test_click_near_the_edge_in_an_object_of_before_is_not_about_the_last(annotator: Annotator) -> None:
    annotator.draw(click(210, 150, "a"), mask_xyxy=(201, 100, 300, 200))
    annotator.draw(click(150, 150, "b"))
    assert annotator.region_id == "region 2"
    assert annotator.draw(click(203, 150, "c")).region_id is None


def test_click_elsewhere_starts_a_new_object(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(click(400, 300, "b"))
    assert (decision.region_id, points(decision), decision.mask_logits) == (None, [(400, 300, True)], None)


def test_alt_click_elsewhere_names_no_object_and_changes_nothing(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    assert annotator.draw(click(400, 300, "b", alt=True)).to_prompts() is None
    assert annotator.draw(click(120, 150, "c")).region_id == "region 1"


def test_clicks_that_the_editor_sends_again_go_on_with_their_object_wherever_they_are(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(click(150, 150, "a"), click(400, 300, "b"))
    assert (decision.region_id, points(decision)) == ("region 1", [(150, 150, True), (400, 300, True)])
    assert decision.mask_logits is LOGITS


def test_click_that_was_moved_starts_the_mask_afresh(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(click(130, 150, "a"))
    assert (decision.region_id, points(decision), decision.mask_logits) == ("region 1", [(130, 150, True)], None)


def test_click_that_was_deleted_is_forgotten(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    annotator.draw(click(150, 150, "a"), click(120, 120, "b"))
    decision = annotator.draw(click(150, 150, "a"), click(180, 180, "c"))
    assert (points(decision), decision.mask_logits) == ([(150, 150, True), (180, 180, True)], None)


def test_clicks_of_accepted_answers_stay_when_the_editor_sends_only_those_after(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    annotator.draw(click(180, 180, "b"))
    decision = annotator.draw(click(180, 180, "b"), click(110, 110, "c", alt=True))
    assert points(decision) == [(150, 150, True), (180, 180, True), (110, 110, False)]


def test_box_after_clicks_joins_them(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"), click(90, 90, "n", alt=True))
    decision = annotator.draw(box=Box((98, 98, 210, 210), "r"))
    prompts = decision.to_prompts()
    assert decision.region_id == "region 1"
    assert prompts is not None
    assert prompts.box_xyxy is not None
    assert (len(prompts.points_xy), prompts.box_xyxy.tolist()) == (2, [98, 98, 210, 210])


def test_clicks_after_a_box_join_it_and_so_do_more_clicks(annotator: Annotator) -> None:
    annotator.draw(box=Box((98, 98, 210, 260), "r"))
    assert annotator.draw(click(150, 240, "a")).region_id == "region 1"
    decision = annotator.draw(click(150, 240, "a"), click(120, 250, "b", alt=True))
    prompts = decision.to_prompts()
    assert prompts is not None
    assert (len(prompts.points_xy), prompts.box_xyxy is not None) == (2, True)


def test_click_in_the_box_but_in_another_region_is_about_that(annotator: Annotator) -> None:
    annotator.draw(box=Box((98, 98, 210, 260), "r"))
    assert annotator.draw(click(150, 240, "a"), known=True).region_id is None


def test_box_that_was_resized_goes_on_with_its_object_afresh(annotator: Annotator) -> None:
    annotator.draw(box=Box((98, 98, 210, 210), "r"))
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(box=Box((98, 98, 250, 250), "r"))
    assert (decision.region_id, points(decision), decision.mask_logits) == ("region 1", [(150, 150, True)], None)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(Box((300, 300, 400, 390), "s"), id="elsewhere"),
        pytest.param(Box((98, 98, 140, 140), "s"), id="around half of the clicks"),
    ],
)
def test_box_that_does_not_hold_the_clicks_is_another_object(annotator: Annotator, box: Box) -> None:
    annotator.draw(click(120, 120, "a"))
    annotator.draw(click(150, 150, "b"))
    assert annotator.draw(box=box).region_id is None


def test_second_box_is_another_object(annotator: Annotator) -> None:
    annotator.draw(box=Box((98, 98, 210, 210), "r"))
    assert annotator.draw(box=Box((98, 98, 210, 210), "s")).region_id is None


def test_click_on_the_same_spot_steps_on_and_round(annotator: Annotator) -> None:
    steps = [annotator.draw(click(150, 150 + shift, name)) for name, shift in (("a", 0), ("b", 4), ("c", -4), ("d", 0))]
    assert [decision.step for decision in steps] == [0, 1, 2, 3]
    assert {decision.region_id for decision in steps[1:]} == {"region 1"}
    for decision in steps:
        assert (points(decision), decision.mask_logits) == ([(150, 150, True)], None)


def test_click_on_the_same_spot_steps_on_although_the_mask_is_not_there(annotator: Annotator) -> None:
    annotator.draw(click(300, 300, "a"))
    assert annotator.draw(click(303, 303, "b")).step == 1


def test_refining_after_steps_starts_from_the_reading_chosen(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    annotator.draw(click(150, 150, "b"))
    decision = annotator.draw(click(180, 180, "c"))
    assert (decision.step, points(decision)) == (0, [(150, 150, True), (180, 180, True)])
    assert decision.mask_logits is LOGITS


def test_alt_click_on_the_spot_of_a_click_subtracts(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    decision = annotator.draw(click(150, 150, "b", alt=True))
    assert (decision.step, points(decision)) == (0, [(150, 150, True), (150, 150, False)])


def test_request_without_anything_new_is_a_new_object_without_prompts(annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "a"))
    assert annotator.draw().to_prompts() is None


def test_readings_fall_in_area_from_the_best_and_begin_again_at_the_largest() -> None:
    logits = np.stack([np.where(square(0, 0, side, side), 2.0, -3.0) for side in (50, 200, 100)]).astype(np.float32)
    predicted_iou = np.array([0.5, 0.7, 0.9], np.float32)
    assert [wanted_reading(logits, predicted_iou, step) for step in range(4)] == [2, 0, 1, 2]
    logits[0] = -1
    assert [wanted_reading(logits, predicted_iou, step) for step in range(4)] == [2, 1, 2, 1]


def test_only_a_limited_number_of_objects_is_remembered(annotator: Annotator) -> None:
    for index in range(30):
        annotator.draw(click(10 + 20 * index, 350, f"{index}"), mask_xyxy=(20 * index, 340, 20 * index + 8, 360))
    assert annotator.last is not None
    assert len(annotator.last.earlier_rles) == 16
    np.testing.assert_array_equal(decode_coco_rle(annotator.last.earlier_rles[0]), square(560, 340, 568, 360))


@given(st.floats(0, 600), st.floats(0, 400), st.floats(0, 30))
def test_near_means_near_in_any_direction(x_px: float, y_px: float, margin_px: float) -> None:
    mask = square(*MASK_XYXY)
    beside_px = max(100 - x_px, x_px - 200, 0), max(100 - y_px, y_px - 200, 0)
    is_inside = 100 <= x_px < 200 and 100 <= y_px < 200
    assert lies_in(mask, click(x_px, y_px), margin_px) == (is_inside or bool(np.hypot(*beside_px) <= margin_px))


spots = st.builds(
    Click,
    st.floats(0, 600, width=32),
    st.floats(0, 400, width=32),
    st.booleans(),
    st.none() | st.sampled_from("abcdef"),
)
boxes = st.tuples(*[st.floats(0, 290, width=32)] * 2, *[st.floats(300, 400, width=32)] * 2).map(Box)
drawings = st.builds(Drawn, st.lists(spots, max_size=4).map(tuple), st.none() | boxes)


@given(st.lists(st.tuples(drawings, st.booleans()), max_size=8))
def test_whatever_is_drawn_the_prompts_hold_it_and_ids_change_only_with_the_object(
    requests: list[tuple[Drawn, bool]],
) -> None:
    annotator = Annotator()
    for drawn, known in requests:
        before = annotator.last
        decision = annotator.draw(*drawn.clicks, box=drawn.box, known=known)
        assert decision.region_id in (None, before and before.region_id)
        assert set(drawn.clicks) <= set(decision.drawn.clicks)
        assert drawn.box is None or decision.drawn.box == drawn.box
        assert decision.mask_logits is None or decision.region_id is not None
        prompts = decision.to_prompts()
        assert (prompts is None) == (not decision.drawn.names_an_object)
        if prompts is not None:
            assert prompts.is_foreground.any() or prompts.box_xyxy is not None


@given(st.lists(st.tuples(drawings, st.none() | st.text(max_size=9)), max_size=3), st.integers(0, 2**32 - 1))
def test_sessions_come_back_from_bytes_as_they_were(people: list[tuple[Drawn, str | None]], seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = rounded(random.normal(0, 10, (8, 8)).astype(np.float32))
    sessions = []
    for number, (drawn, user) in enumerate(people):
        decision = decide(None, drawn, nowhere_else)
        first = answered(decision, None, f"r{number}", random.random((5, 7)) < 0.5, logits)
        second = answered(decision, first, f"q{number}", random.random((5, 7)) < 0.5, logits)
        sessions.append(Session(f"s{number}", user, "p", second, at_s=random.uniform(0, 2e9)))
    again = decode_sessions(encode_sessions(sessions))
    for before, after in zip(sessions, again, strict=True):
        np.testing.assert_array_equal(after.last.logits, before.last.logits)
        assert replace(after, last=replace(after.last, logits=LOGITS)) != before  # eq=False: compare the parts
        for name in ("id", "user", "picture", "at_s"):
            assert getattr(after, name) == getattr(before, name)
        for name in ("region_id", "drawn", "n_settled", "mask_rle", "earlier_rles"):
            assert getattr(after.last, name) == getattr(before.last, name)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:10], id="cut in the start"),
        pytest.param(lambda data: data[:-40], id="cut in the logits"),
        pytest.param(lambda data: b"SAMses00" + data[8:], id="another layout"),
        pytest.param(lambda data: data[:12] + b"?" + data[13:], id="no JSON"),
        pytest.param(lambda data: data.replace(b'"box"', b'"bax"'), id="a key missing"),
    ],
)
def test_damaged_sessions_say_so(damage: object, annotator: Annotator) -> None:
    annotator.draw(click(150, 150, "x"))
    assert annotator.last is not None
    data = encode_sessions([Session("s1", None, "p", annotator.last, at_s=1000.0)])
    with pytest.raises(StorageError, match="start new ones"):
        decode_sessions(damage(data))  # type: ignore[operator]


def test_percent_of_the_editor_becomes_px_of_the_picture_with_the_ids() -> None:
    size = {"original_width": 600, "original_height": 400, "to_name": "image"}
    rectangle = {"x": 10, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["A"]}
    items = [
        {**size, "type": "keypointlabels", "id": "k", "value": {"x": 50, "y": 110, "keypointlabels": ["A"]}},
        {**size, "type": "rectanglelabels", "id": "r", "value": rectangle},
    ]
    prompt = parse_smart_prompt(items)
    assert prompt is not None
    drawn = drawn_of(prompt, IMAGE_HW)
    assert drawn == Drawn((click(300, 400, "k"),), Box((60, 100, 360, 300), "r"))
    assert drawn.item_ids == {"k", "r"}
