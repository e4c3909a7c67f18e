from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sam_backend.errors import CheckpointError
from sam_backend.model.checkpoint import load_network, read_state_dict
from sam_backend.model.checkpoint_layouts import to_official_names
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.tiny_vit import TinyVitConfig

Weights = dict[str, Tensor]


def with_prefix(prefix: str) -> Callable[[Weights], object]:
    return lambda weights: {f"{prefix}{name}": value for name, value in weights.items()}


def in_wrapper(name: str) -> Callable[[Weights], object]:
    return lambda weights: {"epoch": 3, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}, name: weights}


WRAPPINGS = {
    "plain": lambda weights: weights,
    "model": in_wrapper("model"),
    "model_state": in_wrapper("model_state"),
    "model_state_dict": in_wrapper("model_state_dict"),
    "state_dict": in_wrapper("state_dict"),
    "sam.": with_prefix("sam."),
    "module.": with_prefix("module."),
    "compiled and parallel": with_prefix("module._orig_mod."),
    "both": lambda weights: in_wrapper("model")(with_prefix("module.sam.")(weights)),
    "twice": lambda weights: in_wrapper("state_dict")(in_wrapper("model")(weights)),
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_wrapped_weights_load(wrap: Callable[[Weights], object], tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "tuned.ckpt"
    torch.save(wrap(dict(tiny_network.state_dict())), path)
    assert_equal(load_network(str(path)).state_dict(), tiny_network.state_dict())


def assert_equal(ours: Weights, wanted: Weights) -> None:
    assert ours.keys() == wanted.keys()
    assert all(torch.equal(ours[name], value) for name, value in wanted.items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("file_name", ["tuned.safetensors", "tuned.pth"])
def test_safetensors_are_told_by_content(dtype: torch.dtype, file_name: str, tiny_network: Sam, tmp_path: Path) -> None:
    weights = {
        f"sam.{name}": value.to(dtype) if value.is_floating_point() else value
        for name, value in tiny_network.state_dict().items()
    }
    save_file(weights, tmp_path / file_name, metadata={"format": "pt"})
    loaded = load_network(str(tmp_path / file_name))
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert_equal(
        {f"sam.{name}": value.to(weights[f"sam.{name}"].dtype) for name, value in loaded.state_dict().items()}, weights
    )


def test_a_pytorch_file_called_safetensors_loads(tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    torch.save(tiny_network.state_dict(), path)
    assert_equal(load_network(str(path)).state_dict(), tiny_network.state_dict())


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_truncated_safetensors_are_named(share: float, tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    save_file(tiny_network.state_dict(), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors can't be read as weights .* fetch it again"):
        read_state_dict(path)


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html><html>", b"version https://git-lfs.github.com/spec/v1\n", b"\x80", b"12345678{}"]
)
def test_a_file_of_another_kind_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "page.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"page\.pth can't be read as weights"):
        read_state_dict(path)


class Settings:
    """What training programs like to save besides."""


def test_objects_beside_weights_are_not_run_but_explained(tmp_path: Path) -> None:
    path = tmp_path / "trainer.ckpt"
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "settings": Settings()}, path)
    with pytest.raises(CheckpointError, match=r"holds Python objects .* never run; .* state_dict\(\) alone"):
        read_state_dict(path)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"can't be read: Is a directory"):
        read_state_dict(tmp_path)


def test_weights_beside_the_prefixed_ones_stay_and_are_named(tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "more.pth"
    torch.save(with_prefix("sam.")(tiny_network.state_dict()) | {"classifier.weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"1 weights unknown \(classifier\.weight\)"):
        load_network(str(path))


def test_what_tiny_vit_kept_of_classifying_is_left_out() -> None:
    config = TinyVitConfig((8, 16, 20, 24), (1, 1, 1, 1), n_heads=(2, 2, 2), window_sizes=(3, 2, 3))
    weights = Sam(SamConfig(config)).state_dict()
    leftovers = {
        "image_encoder.norm_head.weight": torch.zeros(24),
        "image_encoder.head.bias": torch.zeros(10),
        "image_encoder.layers.1.blocks.0.attn.attention_bias_idxs": torch.zeros(9, 9, dtype=torch.long),
    }
    assert_equal(to_official_names(weights | leftovers), weights)


def test_a_head_of_another_encoder_is_no_leftover() -> None:
    weights = {"image_encoder.head.bias": torch.zeros(10)}
    assert to_official_names(weights) == weights
