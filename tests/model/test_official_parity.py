"""Ours against golden outputs of the official code, on seeded weights."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.picture import read_picture
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.types import MaskPrediction, Prompts

PICTURES = ("landscape", "portrait", "square", "larger")
CASES = ("one_point", "one_point_single", "three_points", "box", "box_and_points", "points_and_mask")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Path:
    return shared / "oracle"


@pytest.fixture(scope="module")
def arguments(oracle: Path) -> dict[str, dict[str, Any]]:
    return json.loads((oracle / "meta.json").read_text())["cases"]


@pytest.fixture(scope="module")
def predictor(oracle: Path) -> Predictor:
    return load_sam(str(oracle / "small_vit.pth"), device="cpu")


@pytest.fixture(scope="module", params=PICTURES)
def picture(request: pytest.FixtureRequest, oracle: Path, predictor: Predictor) -> tuple[str, Embedding, Any]:
    name = request.param
    with np.load(oracle / f"predict_{name}.npz") as file:
        golden = dict(file)
    return name, predictor.embed(read_picture(oracle / f"image_{name}.png")), golden


def segment(predictor: Predictor, embedding: Embedding, arguments: dict[str, Any]) -> MaskPrediction:
    labels = arguments.get("point_labels", [])
    points = [(x, y, label == 1) for (x, y), label in zip(arguments.get("point_coords", []), labels, strict=True)]
    prompts = Prompts.of(points=points, box_xyxy=arguments.get("box"), mask_logits=arguments.get("mask_logits"))
    return predictor.segment(embedding, prompts, multimask=arguments["multimask_output"])


def test_embedding_equals_the_official_one(picture: tuple[str, Embedding, Any]) -> None:
    _, embedding, golden = picture
    ours = embedding.features.coarse[0].numpy()
    np.testing.assert_allclose(ours[::16, ::4, ::4], golden["embedding_sample"], atol=TOLERANCE)
    np.testing.assert_allclose([ours.mean(), ours.std()], golden["embedding_mean_std"], atol=TOLERANCE)


@pytest.mark.parametrize("case", CASES)
def test_masks_equal_the_official_ones(
    case: str, picture: tuple[str, Embedding, Any], predictor: Predictor, arguments: dict[str, dict[str, Any]]
) -> None:
    name, embedding, golden = picture
    of_case = arguments[name].get(case)
    if of_case is None:  # points_and_mask: defined by two others
        one_point = segment(predictor, embedding, arguments[name]["one_point"])
        mask = {"mask_logits": one_point.low_res_logits[one_point.best], "multimask_output": False}
        of_case = arguments[name]["three_points"] | mask
    ours = segment(predictor, embedding, of_case)
    np.testing.assert_allclose(ours.predicted_iou, golden[f"{case}/iou"], atol=TOLERANCE)
    np.testing.assert_allclose(ours.low_res_logits[:, ::2, ::2], golden[f"{case}/low_res_logits"], atol=TOLERANCE)
    np.testing.assert_allclose(
        ours.masks.sum(axis=(1, 2)), golden[f"{case}/mask_area"], atol=8
    )  # a few logits are nearly 0
    if f"{case}/logits_row" not in golden:
        return
    full = embedding.frame.low_res_to_image_logits(torch.from_numpy(ours.low_res_logits)).numpy()
    np.testing.assert_allclose(full[:, embedding.image_hw[0] // 2], golden[f"{case}/logits_row"], atol=TOLERANCE)


def test_the_mask_prompt_of_the_oracle_is_ours(
    picture: tuple[str, Embedding, Any], predictor: Predictor, arguments: dict[str, dict[str, Any]]
) -> None:
    name, embedding, golden = picture
    if name != "landscape":
        pytest.skip("the oracle stores it for the landscape only")
    ours = segment(predictor, embedding, arguments[name]["one_point"])
    np.testing.assert_allclose(ours.low_res_logits[ours.best], golden["mask_input"][0], atol=TOLERANCE)


def test_an_embedding_of_other_weights_is_refused(picture: tuple[str, Embedding, Any], predictor: Predictor) -> None:
    _, embedding, _ = picture
    with pytest.raises(ValueError, match="embed again"):
        predictor.segment(replace(embedding, model_version="other-1234"), Prompts.of(points=[(1, 1, True)]))
