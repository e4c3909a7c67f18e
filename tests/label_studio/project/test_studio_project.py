from dataclasses import replace

import pytest
from fake_project import CONFIG, PROJECT, ProjectStudio
from fake_studio import LEGACY, PERSONAL

from sam_backend.errors import ImageSourceError, StudioError, UnreachableError
from sam_backend.label_studio import studio_api
from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.label_studio.project.studio_project import StudioProject
from sam_backend.label_studio.project.task_filter import TaskFilter
from sam_backend.label_studio.studio_api import AnswerTooLargeError


def _fill(fake: ProjectStudio, n_tasks: int) -> None:
    for task_id in range(1, n_tasks + 1):
        fake.add(task_id, f"/data/upload/{task_id}.png")


def test_project_is_told_with_its_labeling_config(fake: ProjectStudio, project: StudioProject) -> None:
    _fill(fake, 3)
    about = project.about()
    assert (about.title, about.config_xml, about.n_tasks, about.model_version) == ("Cars", CONFIG, 3, None)
    assert about.config.data_key("image") == "image"
    assert about.shows_predictions


def test_tasks_come_page_by_page_in_order_without_their_regions(fake: ProjectStudio, project: StudioProject) -> None:
    _fill(fake, 250)
    assert [task.id for task in project.tasks()] == list(range(1, 251))
    assert fake.pages == [(100, False), (100, False), (50, False)]
    assert project.count() == 250


def test_tasks_deleted_and_added_meanwhile_make_none_missed_or_doubled(
    fake: ProjectStudio, project: StudioProject
) -> None:
    _fill(fake, 150)

    def change() -> None:
        fake.tasks.pop(50, None)  # seen already: pages by number would now skip one
        if len(fake.pages) == 1:
            fake.add(1000, "/data/upload/new.png")

    fake.on_page = change
    assert [task.id for task in project.tasks()] == [*range(1, 151), 1000]


def test_annotated_tasks_come_with_their_annotations(fake: ProjectStudio, project: StudioProject) -> None:
    _fill(fake, 30)
    fake.add(31, "/data/upload/31.png", annotations=[{"id": 5, "result": [{"id": "a"}]}])
    (task,) = project.annotated_tasks()
    assert (task.id, task.annotations[0]["result"]) == (31, [{"id": "a"}])
    assert len(list(project.tasks(TaskFilter(is_annotated=False)))) == 30


def test_one_task_comes_with_all_that_is_said_of_it(fake: ProjectStudio, project: StudioProject) -> None:
    prediction = {"result": [], "model_version": "other"}
    fake.add(4, "/data/upload/4.png", drafts=[{"result": []}], predictions=[prediction])
    task = project.task(4)
    assert task is not None
    assert (len(task.drafts), task.predictions[0]["model_version"]) == (1, "other")
    assert project.task(5) is None


def test_page_that_is_too_large_is_asked_for_in_smaller_parts(
    fake: ProjectStudio, project: StudioProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio_api, "_ANSWER_BYTES", 4000)
    for task_id in range(1, 13):
        fake.add(task_id, "a", annotations=[{"result": ["x" * 1000]}])
    assert [task.id for task in project.tasks(with_regions=True)] == list(range(1, 13))
    assert {n_tasks for n_tasks, _ in fake.pages} == {10, 5, 2}
    fake.add(13, "a", annotations=[{"result": ["x" * 5000]}])
    with pytest.raises(AnswerTooLargeError, match="answered more than"):
        list(project.tasks(with_regions=True))


def test_hiccups_are_waited_for(fake: ProjectStudio, project: StudioProject, slept_s: list[float]) -> None:
    _fill(fake, 2)
    fake.failing = [503, 502, 429]
    assert project.count() == 2
    assert slept_s == [0.5, 1.0, 2.0]


def test_lasting_trouble_is_told_after_some_tries(
    fake: ProjectStudio, project: StudioProject, slept_s: list[float]
) -> None:
    fake.failing = [500] * 20
    with pytest.raises(StudioError, match="answered 500 for tasks of project 7: it says 'not now'"):
        project.count()
    assert len(slept_s) == 5


def test_server_that_is_gone_is_told_after_some_tries(project: StudioProject, slept_s: list[float]) -> None:
    nowhere = replace(project.line, host=LabelStudioHost("http://127.0.0.1:9", LEGACY, is_configured=True))
    with pytest.raises(UnreachableError, match="can't be reached"):
        StudioProject(nowhere, PROJECT).count()
    assert len(slept_s) == 5


def test_personal_token_is_exchanged_and_exchanged_again_when_refused(
    fake: ProjectStudio, project: StudioProject
) -> None:
    host = LabelStudioHost(fake.url, PERSONAL, is_configured=True)
    personal = StudioProject(replace(project.line, host=host), PROJECT)
    assert personal.count() == 0
    fake.valid_access.clear()  # as after a restart with a new secret
    assert personal.count() == 0
    assert fake.exchanges == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_exchange_of_a_token_that_says_not_now_is_waited_for(
    fake: ProjectStudio, project: StudioProject, status: int
) -> None:
    slept_s: list[float] = []

    def sleep(seconds: float) -> None:
        slept_s.append(seconds)
        fake.exchange_status = 200

    fake.exchange_status = status
    host = LabelStudioHost(fake.url, PERSONAL, is_configured=True)
    personal = StudioProject(replace(project.line, host=host, sleep=sleep), PROJECT)
    assert personal.count() == 0
    assert slept_s == [0.5]


def test_exchange_that_never_succeeds_is_told_after_some_tries(
    fake: ProjectStudio, project: StudioProject, slept_s: list[float]
) -> None:
    fake.exchange_status = 503
    host = LabelStudioHost(fake.url, PERSONAL, is_configured=True)
    with pytest.raises(UnreachableError, match="answered 503 when the personal access token was exchanged: ask again"):
        StudioProject(replace(project.line, host=host), PROJECT).count()
    assert len(slept_s) == 5


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param(401, "refuses the token for project 7 .401.: LABEL_STUDIO_API_KEY is a legacy token", id="token"),
        pytest.param(403, "let the token's user open the project", id="somebody else's"),
        pytest.param(404, "check the number of the project", id="no such project"),
        pytest.param(200, "answered something else than project 7", id="no object"),
    ],
)
def test_refusal_says_what_to_do(fake: ProjectStudio, project: StudioProject, status: int, wanted: str) -> None:
    fake.api[f"/api/projects/{PROJECT}/"] = (status, [])
    with pytest.raises(StudioError, match=wanted):
        project.about()


@pytest.mark.parametrize(
    "page",
    [
        pytest.param([], id="a list"),
        pytest.param({"tasks": [], "total": None}, id="no count"),
        pytest.param({"tasks": [1], "total": 1}, id="a task that is no object"),
        pytest.param({"tasks": [{"data": {}}], "total": 1}, id="a task without an id"),
    ],
)
def test_answer_in_another_form_is_no_page(fake: ProjectStudio, project: StudioProject, page: object) -> None:
    fake.api["/api/tasks"] = (200, page)
    with pytest.raises(StudioError):
        list(project.tasks())


def test_refused_exchange_is_not_tried_again(fake: ProjectStudio, project: StudioProject, slept_s: list[float]) -> None:
    fake.personal = "another"
    host = LabelStudioHost(fake.url, PERSONAL, is_configured=True)
    with pytest.raises(ImageSourceError, match="refuses the personal access token"):
        StudioProject(replace(project.line, host=host), PROJECT).count()
    assert slept_s == []
