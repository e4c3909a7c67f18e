"""Whose a request is, and whether what they were busy with is still there."""

import numpy as np
import pytest

from sam_backend.label_studio.drafts import Draft
from sam_backend.label_studio.own_session import SAVED_S, UNSAVED_S, Session, find_own
from sam_backend.label_studio.session import Click, Drawn, LastObject
from sam_backend.masks.rle_coco import encode_coco_rle

MASK_RLE = encode_coco_rle(np.ones((4, 6), np.bool_))
LOGITS = np.zeros((8, 8), np.float32)


def session(number: int, *, user: str | None = None, item_id: str | None = None, picture: str = "p") -> Session:
    """Answered at 1000 s."""
    drawn = Drawn((Click(3, 2, is_foreground=True, item_id=item_id),))
    last = LastObject(f"r{number}", drawn, n_settled=0, mask_rle=MASK_RLE, logits=LOGITS)
    return Session(f"s{number}", user, picture, last, at_s=1000.0)


def draft(*region_ids: str, user: str | None = None, saved_at_s: float | None = None) -> Draft:
    return Draft(user, tuple({"id": one} for one in region_ids), saved_at_s)


def owner(
    sessions: list[Session],
    *region_ids: str,
    user: str | None = None,
    item_ids: frozenset[str] | set[str] = frozenset(),
    now_s: float = 2000.0,
) -> str | None:
    sent = draft(*region_ids, user=user)
    found = find_own(sessions, picture="p", item_ids=item_ids, draft=sent, now_s=now_s)
    return None if found is None else found.id


def test_ids_of_prompts_tell_whose_session_it_is_before_the_user_does() -> None:
    sessions = [session(1, user="ann"), session(2, user="ben", item_id="x")]
    assert owner(sessions, item_ids={"x"}, user="ann") == "s2"
    assert owner(sessions, item_ids={"y"}, user="ann") == "s1"


def test_request_of_nobody_known_has_no_session() -> None:
    sessions = [session(1, user="ann", item_id="x"), session(2)]
    assert owner(sessions) is None
    assert owner(sessions, user="cat", item_ids={"y"}) is None


def test_region_in_the_draft_tells_whose_the_clicks_before_the_draft_were() -> None:
    sessions = [session(1), session(2, user="ben")]
    assert owner(sessions, "r1", user="ann") == "s1"
    assert owner(sessions, "r2", user="ann") is None


def test_prompt_in_the_draft_tells_so_too_while_its_mask_is_no_more_than_suggested() -> None:
    sessions = [session(1, item_id="x"), session(2, user="ben", item_id="y")]
    assert owner(sessions, "x", user="ann") == "s1"
    assert owner(sessions, "y", user="ann") is None


def test_click_before_there_is_a_draft_soon_after_another_such_click_is_the_same_persons() -> None:
    sessions = [session(1, user="ben"), session(2)]
    assert owner(sessions, now_s=1000.0 + UNSAVED_S) == "s2"
    assert owner(sessions, now_s=1001.0 + UNSAVED_S) is None
    assert owner(sessions, now_s=1000.0, user="ann") is None


@pytest.mark.parametrize(
    ("sent", "item_ids", "is_removed"),
    [
        pytest.param(draft(), (), False, id="no draft"),
        pytest.param(draft(saved_at_s=1000.0 + SAVED_S), (), False, id="a draft that may be older than the answer"),
        pytest.param(draft(saved_at_s=1001.0 + SAVED_S), (), True, id="a draft without it"),
        pytest.param(draft("r1", saved_at_s=1900.0), (), False, id="a draft with it"),
        pytest.param(draft("r1-0", saved_at_s=1900.0), (), False, id="a draft with a part of it"),
        pytest.param(draft("x", saved_at_s=1900.0), (), False, id="a draft with its prompt: it is suggested only"),
        pytest.param(draft(saved_at_s=1900.0), ("x",), False, id="its prompt is still on the screen"),
        pytest.param(draft("other", saved_at_s=1900.0), ("y",), True, id="a draft with another"),
        pytest.param(draft(saved_at_s=2001.0), (), False, id="a draft of the future: clocks that disagree"),
    ],
)
def test_draft_saved_well_after_the_answer_tells_whether_its_object_is_still_there(
    sent: Draft, item_ids: tuple[str, ...], is_removed: bool
) -> None:
    assert session(1, item_id="x").is_removed(item_ids, sent, now_s=2000.0) == is_removed


def test_session_on_another_picture_or_model_does_not_count() -> None:
    assert owner([session(1, user="ann", item_id="x", picture="q")], user="ann", item_ids={"x"}) is None
