from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_regions import HW, Json, annotation, brush, polygon, rectangle, region, square

from sam_backend.errors import RequestError
from sam_backend.service.ledger.answered import entry_id
from sam_backend.service.ledger.comparing import StoredAnswer, Verdict, compare
from sam_backend.service.ledger.footprint import footprint_of
from sam_backend.service.ledger.submitted import parse_annotation


def answer(*regions: Json, its_id: str = "a", tag: str = "mask", shape: str = "brush") -> StoredAnswer:
    return StoredAnswer(its_id, tag, shape, "Cell", footprint_of(regions, HW))


def judged(regions: list[Json], *answers: StoredAnswer, **how: Any) -> list[tuple[str, str, float | None]]:  # noqa: ANN401
    verdicts = compare(
        parse_annotation(annotation(1, regions)), answers, how.pop("prompt_ids", ()), how.pop("before", {})
    )
    return [(one.region, one.outcome, one.iou) for one in verdicts]


MASK = square(10, 10)


@pytest.mark.parametrize(
    ("regions", "wanted"),
    [
        pytest.param([brush("a", MASK)], [("a", "kept", 1.0)], id="kept"),
        pytest.param([brush("a", square(20, 10))], [("a", "edited", 1 / 3)], id="moved by half"),
        pytest.param([brush("a", np.zeros(HW, np.bool_))], [("a", "edited", 0.0)], id="all erased"),
        pytest.param([], [("a", "discarded", None)], id="discarded"),
        pytest.param([brush("b", MASK)], [("a", "discarded", None), ("b", "by hand", None)], id="drawn anew"),
        pytest.param([brush("a", MASK) | {"original_width": 8}], [("a", "edited", None)], id="of another picture"),
        pytest.param([region("a", {"rle": [1]}, "brushlabels")], [("a", "edited", None)], id="damaged"),
        pytest.param([brush("a", MASK, label="Dirt")], [("a", "kept", 1.0)], id="another label"),
    ],
)
def test_answer_is_kept_edited_or_discarded(regions: list[Json], wanted: list[tuple[str, str, float | None]]) -> None:
    assert judged(regions, answer(brush("a", MASK))) == wanted


def test_region_that_the_editor_doubles_in_the_palette_of_key_points_counts_once() -> None:
    doubled = region("a", brush("a", MASK)["value"], "keypointlabels", tag="click")
    assert judged([doubled, brush("a", MASK)], answer(brush("a", MASK))) == [("a", "kept", 1.0)]
    assert judged([doubled, brush("a", MASK)]) == [("a", "by hand", None)]


def test_key_points_choices_and_prompts_that_stay_behind_are_no_objects() -> None:
    key_point = region("p", {"x": 1, "y": 2, "width": 0.3}, "keypointlabels", tag="click")
    choice = {"id": "c", "type": "choices", "value": {"choices": ["x"]}}
    relation = {"type": "relation", "from_id": "a", "to_id": "b"}
    prompt = rectangle("box")
    assert judged([key_point, choice, relation, prompt], prompt_ids={"box"}) == []
    assert judged([prompt]) == [("box", "by hand", None)]


@pytest.mark.parametrize("origin", ["prediction", "prediction-changed"])
def test_what_comes_from_a_prediction_was_not_drawn_by_hand(origin: str) -> None:
    predicted = brush("a", MASK) | {"origin": origin}
    assert judged([predicted, brush("b", MASK) | {"origin": "manual"}]) == [("b", "by hand", None)]
    assert judged([predicted], answer(brush("a", MASK))) == [("a", "kept", 1.0)]


def test_label_is_the_submitted_one_and_may_stand_in_the_one_palette_beside() -> None:
    bare = region("a", brush("a", MASK)["value"], "brush", tag="brush", label=None)
    del bare["value"]["brushlabels"]
    palette = region("a", {"labels": ["Dirt"]}, "labels", tag="label", label=None)
    (verdict,) = compare(
        parse_annotation(annotation(1, [palette, bare])), [answer(brush("a", MASK), tag="brush")], (), {}
    )
    assert (verdict.outcome, verdict.label, verdict.tag) == ("kept", "Dirt", "brush")
    (verdict,) = compare(parse_annotation(annotation(1, [palette, bare])), [], (), {})
    assert (verdict.outcome, verdict.label, verdict.shape) == ("by hand", "Dirt", "brush")
    (verdict,) = compare(parse_annotation(annotation(1, [bare])), [answer(brush("a", MASK), tag="brush")], (), {})
    assert verdict.label == "Cell"


def test_part_of_a_polygon_that_was_deleted_is_an_edit() -> None:
    parts = [polygon("a", (0, 0), (50, 0), (50, 50), (0, 50)), polygon("a-0-1", (60, 60), (85, 60), (85, 85), (60, 85))]
    both = answer(*parts, shape="polygon")
    assert judged(parts, both) == [("a", "kept", 1.0)]
    [(_, outcome, iou)] = judged(parts[1:], both)
    assert (outcome, iou) == ("edited", pytest.approx(0.2))


def test_each_tag_that_answers_counts_by_itself() -> None:
    box = answer(rectangle("a-1-0"), its_id="a-1-0", tag="box", shape="rectangle")
    regions = [rectangle("a-1-0", width=40)]
    [mask, drawn] = judged(regions, answer(brush("a", MASK)), box)
    assert mask == ("a", "discarded", None)
    assert drawn == ("a-1-0", "edited", pytest.approx(0.5))


@given(left=st.integers(0, 60), top=st.integers(0, 40), side=st.integers(1, 20))
def test_edited_iou_is_that_of_the_masks(left: int, top: int, side: int) -> None:
    mask = square(left, top, side)
    [(_, outcome, iou)] = judged([brush("a", mask)], answer(brush("a", MASK)))
    assert iou == (mask & MASK).sum() / (mask | MASK).sum()
    assert (outcome == "kept") == (mask == MASK).all()


def test_answer_whose_mask_is_not_kept_any_more_is_judged_as_before() -> None:
    old = StoredAnswer("a", "mask", "brush", "Cell", None)
    known = {"a": Verdict("a", "edited", 0.5, "mask", "brush", "Cell")}
    assert judged([brush("a", MASK)], old, before=known) == [("a", "edited", 0.5)]
    assert judged([brush("a", MASK)], old) == [("a", "edited", None)]
    lost = {"a": Verdict("a", "discarded", None, "mask", "brush", "Cell")}
    assert judged([brush("a", MASK)], old, before=lost) == [("a", "edited", None)]
    assert judged([], old, before=known) == [("a", "discarded", None)]


@pytest.mark.parametrize(
    ("region_id", "wanted"),
    [("a", "a"), ("a-0-1", "a"), ("a-1-0", "a-1-0"), ("a-1-2", "a-1-0"), ("by-hand", "by-hand"), ("x-y-z", "x-y-z")],
)
def test_id_of_a_region_tells_which_answer_it_is_of(region_id: str, wanted: str) -> None:
    assert entry_id(region_id) == wanted


def test_what_was_skipped_is_not_submitted() -> None:
    skipped = annotation(1, [brush("a", MASK)], was_cancelled=True)
    (verdict,) = compare(parse_annotation(skipped), [answer(brush("a", MASK))], (), {})
    assert verdict.outcome == "discarded"


@pytest.mark.parametrize(
    ("lead_time", "wanted"), [(3, 3.0), (None, None), (True, None), (-1, None), ("3", None), (10**400, None)]
)
def test_lead_time_is_read_where_it_makes_sense(lead_time: object, wanted: float | None) -> None:
    assert parse_annotation(annotation(1, [], lead_time=lead_time)).lead_time_s == wanted


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="none"),
        pytest.param([], id="list"),
        pytest.param({}, id="no ids"),
        pytest.param({"id": True, "project": 1, "task": 1}, id="a truth for an id"),
        pytest.param({"id": 2**63, "project": 1, "task": 1}, id="too large for the file"),
    ],
)
def test_what_is_no_annotation_is_refused(body: object) -> None:
    with pytest.raises(RequestError, match="annotation"):
        parse_annotation(body)


def test_regions_that_are_none_are_passed_over() -> None:
    assert parse_annotation(annotation(1, [1, None, "x"])).regions == ()  # type: ignore[list-item]
    assert parse_annotation(annotation(1, [], result="x")).regions == ()
    assert judged([{"id": 4, "value": {"rle": []}}, {"value": {}}]) == []
