"""Ours against golden outputs of the official MobileSAM, on seeded weights.

The official attention keeps a copy of its biases from the moment its mode is set, and the golden outputs were made
with weights loaded after that: they are those of a network whose biases are zero. So ours is given zeros too here;
that biases do what they should is tested in test_tiny_vit.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam_backend.model.checkpoint import load_network, read_state_dict
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.picture import read_picture
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.types import Prompts

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Path:
    return shared / "oracle"


@pytest.fixture(scope="module")
def predictor(oracle: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    weights = read_state_dict(oracle / "mobile_sam_seeded.pth")
    without_biases = {
        name: torch.zeros_like(value) if name.endswith("attention_biases") else value for name, value in weights.items()
    }
    path = tmp_path_factory.mktemp("mobile") / "mobile.pth"
    torch.save(without_biases, path)
    return load_sam(str(path), device="cpu")


@pytest.fixture(scope="module")
def golden(oracle: Path) -> dict[str, Any]:
    with np.load(oracle / "predict_mobile_landscape.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def embedding(oracle: Path, predictor: Predictor) -> Embedding:
    return predictor.embed(read_picture(oracle / "image_landscape.png"))


def test_the_published_layout_loads_whole(oracle: Path) -> None:
    network = load_network(str(oracle / "mobile_sam_seeded.pth"))
    assert network.image_encoder.layers[2].blocks[0].attn.attention_biases.abs().max() > 0


def test_embedding_equals_the_official_one(embedding: Embedding, golden: dict[str, Any]) -> None:
    ours = embedding.features.coarse[0].numpy()
    np.testing.assert_allclose(ours[::16, ::4, ::4], golden["embedding_sample"], atol=TOLERANCE)
    np.testing.assert_allclose([ours.mean(), ours.std()], golden["embedding_mean_std"], atol=TOLERANCE)


@pytest.mark.parametrize("case", ["one_point", "box"])
def test_masks_equal_the_official_ones(
    case: str, embedding: Embedding, predictor: Predictor, golden: dict[str, Any], oracle: Path
) -> None:
    arguments = json.loads((oracle / "meta.json").read_text())["cases"]["landscape"][case]
    points = [(x, y, True) for x, y in arguments.get("point_coords", [])]
    prompts = Prompts.of(points=points, box_xyxy=arguments.get("box"))
    ours = predictor.segment(embedding, prompts, multimask=arguments["multimask_output"])
    np.testing.assert_allclose(ours.predicted_iou, golden[f"{case}/iou"], atol=TOLERANCE)
    np.testing.assert_allclose(ours.low_res_logits[:, ::2, ::2], golden[f"{case}/low_res_logits"], atol=TOLERANCE)
    np.testing.assert_allclose(ours.masks.sum(axis=(1, 2)), golden[f"{case}/mask_area"], atol=2)
