"""The compiled network answers like the other. On a CPU, for want of a GPU: there the same code makes graphs of it."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch._dynamo.utils
from PIL import Image

from sam_backend.model.compiler import compile_encoder, compile_transformer
from sam_backend.predict.predictor import Predictor, load_sam
from sam_backend.types import Prompts

CPU = torch.device("cpu")

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # PyTorch's own, of its compiler


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def graphs_compiled() -> Counter[str]:
    """PyTorch's own count: an answer alike is no news from a network that was never compiled."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    counted: Counter[str] = torch._dynamo.utils.counters["stats"]
    return counted


needs_compiler = pytest.mark.skipif(not shutil.which("c++"), reason="no C++ compiler here, which PyTorch's calls")


@needs_compiler
def test_a_compiled_network_answers_alike(
    tiny_predictor: Predictor, image: np.ndarray, graphs_compiled: Counter[str]
) -> None:
    network = deepcopy(tiny_predictor.network)
    compile_encoder(network, CPU)
    compile_transformer(network, CPU)
    compiled = Predictor(network, tiny_predictor.name, tiny_predictor.version, CPU)
    of_compiled, plain = compiled.embed(image), tiny_predictor.embed(image)
    n_of_encoder = graphs_compiled["unique_graphs"]
    assert n_of_encoder
    torch.testing.assert_close(of_compiled.memory.features.coarse, plain.memory.features.coarse, atol=1e-5, rtol=1e-5)
    click = Prompts.of(points=[(10, 12, True)])
    ours, theirs = compiled.segment(of_compiled, click), tiny_predictor.segment(plain, click)
    assert graphs_compiled["unique_graphs"] > n_of_encoder
    np.testing.assert_allclose(ours.low_res_logits, theirs.low_res_logits, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(ours.predicted_iou, theirs.predicted_iou, atol=1e-5, rtol=1e-5)


@needs_compiler
def test_a_network_is_compiled_as_it_is_loaded(
    tiny_checkpoint: Path, tiny_predictor: Predictor, image: np.ndarray, graphs_compiled: Counter[str]
) -> None:
    compiled = load_sam(str(tiny_checkpoint), device="cpu", compiled=True)
    assert compiled.version == tiny_predictor.version
    ours, plain = (predictor.embed(image).features.coarse for predictor in (compiled, tiny_predictor))
    assert graphs_compiled["unique_graphs"]
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-5)


def test_a_machine_without_a_compiler_says_so(tiny_checkpoint: Path, image: np.ndarray, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.fromarray(image).save(picture)
    out = tmp_path / "masks.json"
    command = [sys.executable, "-m", "sam_backend", "automatic", str(picture), "-o", str(out), "--compile"]
    environ = os.environ | {"CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [*command, "--checkpoint", str(tiny_checkpoint), "--device", "cpu"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "leave --compile away, or install a C++ compiler" in done.stderr
    assert "Traceback" not in done.stderr
