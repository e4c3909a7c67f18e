from typing import Any

import pytest
from fake_project import PROJECT, ProjectStudio
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import StudioError, UnreachableError
from sam_backend.label_studio.project.prediction_mark import PredictionKind, is_ours
from sam_backend.label_studio.project.prediction_upload import NewPrediction, PredictionUpload, in_batches
from sam_backend.label_studio.project.studio_project import StudioProject

KIND = PredictionKind.BOXES
IMPORT = f"/api/projects/{PROJECT}/import/predictions"


@pytest.fixture
def upload(fake: ProjectStudio, project: StudioProject) -> PredictionUpload:
    for task_id in range(1, 10):
        fake.add(task_id, "a.png")
    return PredictionUpload(project, KIND)


def _new(task_id: int, *replaces: int, n_regions: int = 1) -> NewPrediction:
    regions = [{"id": f"r{number}"} for number in range(n_regions)]
    return NewPrediction(task_id, {"result": regions, "score": 0.5, "model_version": KIND.marked("v1")}, replaces)


def _n_stored(fake: ProjectStudio) -> list[int]:
    return [len(fake.predictions(task_id)) for task_id in sorted(fake.tasks)]


def _n_requests(fake: ProjectStudio) -> int:
    return sum(path == IMPORT for path, _, _ in fake.asked)


def test_batch_is_one_request(fake: ProjectStudio, upload: PredictionUpload) -> None:
    assert upload.upload([_new(task_id) for task_id in range(1, 10)]) == []
    assert _n_stored(fake) == [1] * 9
    assert _n_requests(fake) == 1


def test_prediction_without_regions_is_not_stored_but_replaces(fake: ProjectStudio, upload: PredictionUpload) -> None:
    upload.upload([_new(1), _new(2)])
    assert upload.upload([_new(1, fake.predictions(1)[0]["id"], n_regions=0)]) == []
    assert _n_stored(fake)[:3] == [0, 1, 0]


def test_what_was_deleted_by_somebody_else_is_no_trouble(fake: ProjectStudio, upload: PredictionUpload) -> None:
    assert upload.upload([_new(1, 999)]) == []
    assert _n_stored(fake)[0] == 1


def test_prediction_of_a_task_deleted_meanwhile_does_not_spoil_the_others(
    fake: ProjectStudio, upload: PredictionUpload
) -> None:
    del fake.tasks[4]
    (refusal,) = upload.upload([_new(task_id) for task_id in range(1, 10)])
    assert refusal.task_id == 4
    assert "task not found" in refusal.reason
    assert _n_stored(fake) == [1] * 8


def test_prediction_that_is_passed_over_silently_is_found(fake: ProjectStudio, upload: PredictionUpload) -> None:
    fake.refuses = lambda prediction: prediction["task"] in (2, 7)
    refusals = upload.upload([_new(task_id) for task_id in range(1, 10)])
    assert [refusal.task_id for refusal in refusals] == [2, 7]
    assert "says why in its log" in refusals[0].reason


@pytest.mark.parametrize(
    "hiccups",
    [
        pytest.param([503], id="not now"),
        pytest.param([None], id="done, but the answer is lost"),
        pytest.param([502, 200, None], id="first refused, then lost"),
    ],
)
def test_hiccup_stores_each_prediction_once(
    fake: ProjectStudio, upload: PredictionUpload, hiccups: list[int | None], slept_s: list[float]
) -> None:
    fake.failing = hiccups
    assert upload.upload([_new(task_id) for task_id in range(1, 10)]) == []
    assert _n_stored(fake) == [1] * 9
    assert slept_s


def test_connection_that_breaks_is_waited_for(
    fake: ProjectStudio, upload: PredictionUpload, monkeypatch: pytest.MonkeyPatch, slept_s: list[float]
) -> None:
    post, n_posts = PredictionUpload._post, 0

    def break_once(self: PredictionUpload, batch: Any) -> Any:  # noqa: ANN401 - passed through
        nonlocal n_posts
        n_posts += 1
        if n_posts == 1:
            post(self, batch[:3])
            raise UnreachableError("broken")
        return post(self, batch)

    monkeypatch.setattr(PredictionUpload, "_post", break_once)
    assert upload.upload([_new(task_id) for task_id in range(1, 10)]) == []
    assert (_n_stored(fake), slept_s) == ([1] * 9, [0.5])


def test_lasting_trouble_ends_the_upload(fake: ProjectStudio, upload: PredictionUpload) -> None:
    fake.api[IMPORT] = (500, {"detail": "broken"})
    with pytest.raises(StudioError, match="answered 500 for predictions: it says 'broken'"):
        upload.upload([_new(1)])


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param(401, "refuses the token for predictions", id="token"),
        pytest.param(403, "let the token's user open the project", id="not allowed"),
    ],
)
def test_refused_request_is_told(fake: ProjectStudio, upload: PredictionUpload, status: int, wanted: str) -> None:
    fake.api[IMPORT] = (status, {})
    with pytest.raises(StudioError, match=wanted):
        upload.upload([_new(1), _new(2)])


def test_refused_removal_is_told_and_nothing_is_stored(fake: ProjectStudio, upload: PredictionUpload) -> None:
    fake.api["/api/predictions/5/"] = (403, {})
    with pytest.raises(StudioError, match="the removal of prediction 5"):
        upload.upload([_new(1, 5)])
    assert _n_stored(fake)[0] == 0


@given(
    sizes=st.lists(st.integers(0, 30), max_size=40),
    n_most=st.integers(1, 8),
    bytes_most=st.integers(1, 3000),
)
def test_batches_hold_all_in_order_within_both_limits(sizes: list[int], n_most: int, bytes_most: int) -> None:
    predictions = [_new(task_id, n_regions=size) for task_id, size in enumerate(sizes, start=1)]
    batches = list(in_batches(predictions, n_most, bytes_most))
    assert [one for batch in batches for one in batch] == predictions
    for batch in batches:
        assert 1 <= len(batch) <= n_most
        assert len(batch) == 1 or sum(one.n_bytes for one in batch) <= bytes_most


@pytest.mark.parametrize(
    ("version", "is_one"),
    [("v (boxes to masks)", True), ("v (everything)", True), ("v", False), ("(everything) v", False), (None, False)],
)
def test_ours_are_known_by_their_mark(version: object, is_one: bool) -> None:
    assert is_ours({"model_version": version}) is is_one


def test_no_mark_is_part_of_another() -> None:
    marks = [kind.mark for kind in PredictionKind]
    assert not any(one in other for one in marks for other in marks if one != other)
