import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_project import CONFIG, ProjectStudio

from sam_backend.cli import preannotate
from sam_backend.masks.rle_brush import decode_brush_rle
from sam_backend.predict.predictor import Predictor
from sam_backend.service.app import create_app
from sam_backend.settings import Settings
from sam_backend.types import Prompts

Command = Callable[..., tuple[int, str, str]]
MakePicture = Callable[..., bytes]
Json = dict[str, Any]

IMAGE_HW = (60, 80)


@pytest.fixture
def cars(fake: ProjectStudio, picture: MakePicture) -> ProjectStudio:
    """Rectangles in an annotation, a draft, another model's prediction, and none."""
    for number in range(1, 6):
        fake.pictures[f"/data/upload/1/{number}.png"] = picture(number)
    fake.add(1, "/data/upload/1/1.png", annotations=[{"id": 1, "result": [_box("a"), _box("b", 50, 20)]}])
    fake.add(2, "/data/upload/1/2.png", drafts=[{"result": [_box("c")]}])
    fake.add(3, "/data/upload/1/3.png", predictions=[{"result": [_box("d")], "model_version": "detector"}])
    fake.add(4, "/data/upload/1/4.png")
    fake.add(5, "/data/upload/1/5.png", annotations=[{"id": 2, "result": [_box("e")], "was_cancelled": True}])
    return fake


def _box(region_id: str, x: float = 25, y: float = 50, label: str = "Car") -> Json:
    value = {"x": x, "y": y, "width": 50, "height": 25, "rotation": 0, "rectanglelabels": [label]}
    size = {"original_width": 80, "original_height": 60, "image_rotation": 0}
    return {"id": region_id, "from_name": "box", "to_name": "image", "type": "rectanglelabels", **size, "value": value}


def _ours(fake: ProjectStudio, task_id: int) -> list[Json]:
    return [one for one in fake.predictions(task_id) if one["model_version"].endswith(")")]


def test_rectangles_become_masks_whoever_drew_them(
    cars: ProjectStudio, command: Command, tiny_predictor: Predictor, picture: MakePicture
) -> None:
    code, said, _ = command("preannotate", "--from", "boxes")
    version = f"{tiny_predictor.version} (boxes to masks)"
    assert (code, said) == (
        0,
        f"3 predictions with 4 regions stored as {version!r}; 2 tasks without any, 0 passed over, 0 failed\n",
    )
    assert [len(_ours(cars, task_id)) for task_id in range(1, 6)] == [1, 1, 1, 0, 0]
    (stored,) = _ours(cars, 1)
    assert stored["model_version"] == version
    first, second = stored["result"]
    assert (first["type"], first["value"]["brushlabels"], first["id"] != second["id"]) == ("brushlabels", ["Car"], True)
    assert 0 <= stored["score"] <= 1


def test_masks_are_those_of_the_model(cars: ProjectStudio, command: Command, tiny_predictor: Predictor) -> None:
    import io

    from PIL import Image

    assert command("preannotate", "--from", "boxes", "--cache-url", "memory")[0] == 0
    image = np.asarray(Image.open(io.BytesIO(cars.pictures["/data/upload/1/2.png"])))
    box = Prompts.of(box_xyxy=(20, 30, 60, 45))
    wanted = tiny_predictor.segment(tiny_predictor.embed(image), box, multimask=False).masks[0]
    (region,) = _ours(cars, 2)[0]["result"]
    np.testing.assert_array_equal(decode_brush_rle(region["value"]["rle"], IMAGE_HW), wanted)


def test_second_run_stores_nothing_and_looks_only_at_what_has_none(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("preannotate", "--from", "boxes")
    before = json.dumps(cars.tasks)
    monkeypatch.setattr(
        "sam_backend.service.versions.in_force.load_sam", lambda *_, **__: pytest.fail("loads the model")
    )
    code, said, _ = command("preannotate", "--from", "boxes")
    assert (code, said.partition(" stored")[0]) == (0, "0 predictions with 0 regions")
    assert "2 tasks without any, 3 passed over, 0 failed" in said
    assert json.dumps(cars.tasks) == before


def test_overwrite_replaces_ours_and_nothing_else(cars: ProjectStudio, command: Command) -> None:
    cars.add(6, "/data/upload/1/5.png", predictions=[{"result": [], "model_version": "old (boxes to masks)"}])
    command("preannotate", "--from", "boxes")
    ids = {task_id: [one["id"] for one in cars.predictions(task_id)] for task_id in cars.tasks}
    cars.tasks[2]["drafts"] = []  # its rectangle is gone, and so its mask
    assert "2 predictions with 3 regions" in command("preannotate", "--from", "boxes", "--overwrite")[1]
    assert [len(_ours(cars, task_id)) for task_id in range(1, 7)] == [1, 0, 1, 0, 0, 0]
    assert not {one["id"] for one in _ours(cars, 1)} & set(ids[1])
    assert cars.predictions(3)[0]["model_version"] == "detector"


def test_only_unlabeled_passes_over_what_somebody_submitted(cars: ProjectStudio, command: Command) -> None:
    assert "2 predictions with 2 regions" in command("preannotate", "--from", "boxes", "--only-unlabeled")[1]
    assert _ours(cars, 1) == []


def test_min_score_leaves_out_what_the_model_doubts(cars: ProjectStudio, command: Command) -> None:
    code, said, _ = command("preannotate", "--from", "boxes", "--min-score", "1")
    assert code == 0
    assert "0 predictions" in said
    assert "5 tasks without any" in said


def test_everything_gets_the_only_label(cars: ProjectStudio, command: Command) -> None:
    cars.config = CONFIG.replace('<Label value="Tree"/>', "")
    code, said, _ = command("preannotate", "--from", "everything", *_all_masks(3))
    assert (code, said.split(" predictions")[0]) == (0, "5")
    for task_id in range(1, 6):
        (stored,) = _ours(cars, task_id)
        assert stored["model_version"].endswith(" (everything)")
        assert 0 < len(stored["result"]) <= 3
        assert all(region["value"]["brushlabels"] == ["Car"] for region in stored["result"])
    assert "0 predictions with 0 regions" in command("preannotate", "--from", "everything", *_all_masks(3))[1]


def _all_masks(n_most: int) -> tuple[str, ...]:
    """The tiny network is sure of nothing."""
    return (
        *("--points-per-side", "3", "--max-masks", str(n_most)),
        *("--pred-iou-thresh", "0", "--stability-score-thresh", "0"),
    )


def test_kinds_don_t_stand_in_each_other_s_way(cars: ProjectStudio, command: Command) -> None:
    command("preannotate", "--from", "everything", "--label", "Tree", *_all_masks(1))
    assert "3 predictions with 4 regions" in command("preannotate", "--from", "boxes")[1]
    assert [len(_ours(cars, task_id)) for task_id in range(1, 6)] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        pytest.param(["everything"], "several labels for 'image': give --label with 'Car' or 'Tree'", id="no label"),
        pytest.param(
            ["everything", "--label", "Boat"], "takes the label 'Boat': give --label with 'Car' or 'Tree'", id="unknown"
        ),
        pytest.param(["boxes", "--label", "Car"], "--label is for --from everything", id="label of boxes"),
        pytest.param(["boxes", "--max-masks", "3"], "--max-masks is for --from everything", id="number of boxes"),
    ],
)
def test_options_that_make_no_sense_are_told_in_a_sentence(
    cars: ProjectStudio, command: Command, words: list[str], wanted: str
) -> None:
    code, _, said = command("preannotate", "--from", *words)
    assert (code, said.count("\n")) == (2, 1)
    assert wanted in said


@pytest.mark.parametrize("words", [["--min-score", "2"], ["--min-score", "x"], ["--batch", "0"], ["--batch", "-"]])
def test_numbers_that_make_no_sense_are_refused(cars: ProjectStudio, command: Command, words: list[str]) -> None:
    with pytest.raises(SystemExit):
        command("preannotate", "--from", "boxes", *words)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        pytest.param('<View><Text name="text" value="$text"/></View>', "has no <Image>", id="no pictures"),
        pytest.param(
            '<View><RectangleLabels name="box" toName="image"><Label value="Car"/></RectangleLabels>'
            '<Image name="image" value="$image"/></View>',
            "no tag of the labeling config takes the mask",
            id="rectangles only",
        ),
    ],
)
def test_config_without_room_for_masks_is_told(cars: ProjectStudio, command: Command, config: str, wanted: str) -> None:
    cars.config = config
    code, _, said = command("preannotate", "--from", "boxes")
    assert code == 2
    assert wanted in said


def test_broken_picture_and_refused_prediction_spoil_only_their_own(cars: ProjectStudio, command: Command) -> None:
    cars.pictures["/data/upload/1/1.png"] = b"no picture"
    cars.refuses = lambda prediction: prediction["task"] == 3
    code, said, warned = command("preannotate", "--from", "boxes")
    assert code == 1
    assert "1 predictions with 1 regions" in said
    assert "2 failed" in said
    assert "skipped task 1: " in warned
    assert "skipped task 3: Label Studio finds it invalid" in warned
    assert len(_ours(cars, 2)) == 1


def test_ctrl_c_stores_what_was_made_and_the_next_run_goes_on(
    cars: ProjectStudio, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_steps = 0

    def press_ctrl_c(bar: object) -> None:
        nonlocal n_steps
        n_steps += 1
        if n_steps == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(preannotate, "_step", press_ctrl_c)
    code, said, _ = command("preannotate", "--from", "boxes")
    assert (code, said.partition(" with")[0]) == (130, "stopped: 1 predictions")
    assert len(_ours(cars, 1)) == 1
    assert command("preannotate", "--from", "boxes")[1].startswith("2 predictions")
    assert [len(_ours(cars, task_id)) for task_id in range(1, 6)] == [1, 1, 1, 0, 0]


def test_service_goes_on_working_on_a_task_with_a_stored_prediction(
    cars: ProjectStudio, command: Command, environment: dict[str, str]
) -> None:
    command("preannotate", "--from", "boxes")
    client = create_app(Settings.from_env(environment)).test_client()
    body = {"tasks": [cars.tasks[1]], "project": "7.1", "label_config": CONFIG, "params": {"context": None}}
    assert client.post("/predict", json=body).status_code == 200
    body["params"] = {"context": {"result": [_box("new", 10, 10)]}}
    assert client.post("/predict", json=body).get_json()["results"][0]["result"]


def test_label_of_a_palette_is_stored_beside_the_mask(cars: ProjectStudio, command: Command) -> None:
    cars.config = (
        '<View><Labels name="label" toName="image"><Label value="Car"/></Labels><Brush name="tag" toName="image"/>'
        '<Rectangle name="box" toName="image"/><Image name="image" value="$image"/></View>'
    )
    command("preannotate", "--from", "boxes")
    mask, label = _ours(cars, 2)[0]["result"]
    assert (mask["type"], label["type"], label["from_name"], label["id"]) == ("brush", "labels", "label", mask["id"])
    assert label["value"] == {**mask["value"], "labels": ["Car"]}
    command("preannotate", "--from", "everything", *_all_masks(1))
    assert [region["type"] for region in _ours(cars, 4)[0]["result"]] == ["brush", "labels"]


def test_each_picture_of_a_list_gets_its_own_masks(cars: ProjectStudio, command: Command) -> None:
    cars.config = CONFIG.replace('value="$image"', 'valueList="$image"').replace('<Label value="Tree"/>', "")
    cars.tasks.clear()
    cars.add(1, "")
    cars.tasks[1]["data"]["image"] = ["/data/upload/1/1.png", "/data/upload/1/2.png"]
    command("preannotate", "--from", "everything", *_all_masks(1))
    assert [region["item_index"] for region in _ours(cars, 1)[0]["result"]] == [0, 1]
