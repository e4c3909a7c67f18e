"""Which model predicts for a whole project."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_project import ProjectStudio
from trained_version import put_in_force

from sam_backend.cli.lazy_model import ModelInForce
from sam_backend.model.sam import Sam
from sam_backend.predict.predictor import Predictor
from sam_backend.service.versions.book import VersionBook
from sam_backend.settings import Settings

Command = Callable[..., tuple[int, str, str]]
EVERYTHING = (
    *("preannotate", "--from", "everything", "--label", "Tree", "--points-per-side", "3", "--max-masks", "1"),
    *("--pred-iou-thresh", "0", "--stability-score-thresh", "0"),
)


@pytest.fixture
def cars(fake: ProjectStudio, picture: Callable[[int], bytes]) -> ProjectStudio:
    fake.pictures["/data/upload/1/1.png"] = picture(1)
    fake.add(1, "/data/upload/1/1.png")
    return fake


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAM_DATA_FOLDER", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_version_in_force_predicts(
    cars: ProjectStudio, command: Command, data_folder: Path, tiny_network: Sam, tiny_predictor: Predictor
) -> None:
    version = put_in_force(data_folder, tiny_network, tiny_predictor.version).model_version
    code, said, told = command(*EVERYTHING)
    assert code == 0
    assert f"stored as '{version} (everything)'" in said
    assert f"predicting with {version}, in force in {data_folder}\n" in told
    assert [one["model_version"] for one in cars.predictions(1)] == [f"{version} (everything)"]


def test_without_one_the_model_of_the_settings_predicts(
    cars: ProjectStudio, command: Command, data_folder: Path, tiny_predictor: Predictor
) -> None:
    told = command(*EVERYTHING)[2]
    assert (
        f"predicting with {tiny_predictor.version}, the model of SAM_MODEL (no trained version is in force in" in told
    )


def test_of_another_model_s_version_it_is_told_why_it_doesn_t_predict(
    cars: ProjectStudio, command: Command, data_folder: Path, tiny_network: Sam, tiny_predictor: Predictor
) -> None:
    put_in_force(data_folder, tiny_network, "vit_b-00000000")
    _, said, told = command(*EVERYTHING)
    assert f"stored as '{tiny_predictor.version} (everything)'" in said
    model = f"{tiny_predictor.version}, the model of SAM_MODEL"
    assert f"predicting with {model} (project-7-v1 was trained from vit_b" in told


def test_what_was_encoded_ahead_is_not_encoded_again_for_it(
    cars: ProjectStudio,
    command: Command,
    data_folder: Path,
    tiny_network: Sam,
    tiny_predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_in_force(data_folder, tiny_network, tiny_predictor.version)
    assert command("precompute")[1] == "Cars: 1 pictures encoded, 0 were there, 0 failed\n"

    def fail(self: Predictor, image: np.ndarray) -> None:
        raise AssertionError(f"encodes {image.shape}")

    monkeypatch.setattr(Predictor, "embed", fail)
    assert command(*EVERYTHING)[0] == 0
    assert len(cars.predictions(1)) == 1


def test_the_version_is_that_of_the_model_that_was_loaded_in_the_end(
    data_folder: Path, tiny_checkpoint: Path, tiny_network: Sam, tiny_predictor: Predictor
) -> None:
    version = put_in_force(data_folder, tiny_network, tiny_predictor.version)
    model = ModelInForce(Settings(model=str(tiny_checkpoint), device="cpu", data_folder=data_folder))
    assert model.version() == version.model_version
    VersionBook(data_folder / "versions").weights(version.name).unlink()
    assert model.load() is model.load()
    assert model.version() == tiny_predictor.version
