from pathlib import Path

import pytest
import torch
from small_networks import answer, new_network

from sam_backend.errors import SettingsError
from sam_backend.model.checkpoint import load_network
from sam_backend.model.image_encoder import ImageEncoder
from sam_backend.model.sam import Sam
from sam_backend.training.files import save_weights
from sam_backend.training.freeze import Part
from sam_backend.training.lora import add_lora, merge_lora

N_DECODER = 2 * 12 + 4
N_ENCODER = 3 * 2


def learn_something(network: Sam) -> None:
    """A few steps of gradient descent on nothing in particular."""
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(5):
        (answer(network) - 1).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_it_starts_as_the_network_that_was(kind: str) -> None:
    network = new_network(kind)
    before = answer(network)
    add_lora(network, rank=4, in_mlps=True)
    torch.testing.assert_close(answer(network), before, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["vit", "conv"])
@pytest.mark.parametrize("in_mlps", [False, True], ids=["attention", "with-mlps"])
def test_merged_weights_give_the_same_answer(kind: str, in_mlps: bool) -> None:
    network = new_network(kind)
    before, names = answer(network), set(network.state_dict())
    add_lora(network, rank=3, alpha=6, in_mlps=in_mlps, trains_norms=True)
    learn_something(network)
    learnt = answer(network)
    assert (learnt - before).abs().max() > 1e-2
    plain = merge_lora(network)
    assert set(plain.state_dict()) == names
    assert all(parameter.requires_grad for parameter in plain.parameters())
    torch.testing.assert_close(answer(plain), learnt, rtol=0, atol=1e-5)
    torch.testing.assert_close(answer(network), learnt)  # the original stays


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_a_fine_tune_loads_as_a_plain_checkpoint(kind: str, tmp_path: Path) -> None:
    network = new_network(kind)
    add_lora(network, rank=2)
    learn_something(network)
    save_weights(merge_lora(network), tmp_path / "fine.pth")
    loaded = load_network(str(tmp_path / "fine.pth"))
    torch.testing.assert_close(answer(loaded), answer(network), rtol=1e-2, atol=1e-2)  # float16


def test_only_low_rank_changes_mask_tokens_and_the_iou_head_learn() -> None:
    network = new_network("vit")
    report = add_lora(network, rank=2)
    small = ("mask_decoder.iou_prediction_head", "mask_decoder.iou_token", "mask_decoder.mask_tokens")
    for name, parameter in network.named_parameters():
        is_change = name.endswith(("parametrizations.weight.0.a", "parametrizations.weight.0.b"))
        assert parameter.requires_grad == (is_change or name.startswith(small)), name
    assert (report.n_in_encoder, report.n_in_decoder) == (N_ENCODER, N_DECODER)
    frozen = {name: p.clone() for name, p in network.named_parameters() if not p.requires_grad}
    learn_something(network)
    assert all(torch.equal(p, frozen[name]) for name, p in network.named_parameters() if name in frozen)
    changed = network.get_submodule("image_encoder.blocks.0.attn.qkv.parametrizations.weight.0")
    assert changed.get_parameter("b").any()


@pytest.mark.parametrize(
    ("part", "n_in_encoder", "n_in_decoder"),
    [("everything", N_ENCODER + 6, N_DECODER + 4), ("encoder", N_ENCODER + 6, 0), ("decoder", 0, N_DECODER + 4)],
)
def test_it_goes_where_it_is_wanted(part: Part, n_in_encoder: int, n_in_decoder: int) -> None:
    network = new_network("vit")
    report = add_lora(network, rank=2, part=part, in_mlps=True, trains_norms=True)
    assert (report.n_in_encoder, report.n_in_decoder) == (n_in_encoder, n_in_decoder)
    norms = {name: module for name, module in network.named_modules() if name.endswith(("norm1", "neck.1"))}
    learning = {name.split("_")[0] for name, norm in norms.items() if norm.weight.requires_grad}
    assert learning == {"everything": {"image", "mask"}, "encoder": {"image"}, "decoder": {"mask"}}[part]


def test_the_report_says_that_a_convolutional_encoder_stays() -> None:
    network = new_network("conv")
    line = str(add_lora(network, rank=4))
    assert line.startswith(f"LoRA of rank 4 in {N_DECODER} matrices of the decoder and none of the ConvImageEncoder")
    assert not any(p.requires_grad for p in network.image_encoder.parameters())
    vit_line = str(add_lora(new_network("vit"), rank=4))
    assert vit_line.startswith(f"LoRA of rank 4 in {N_ENCODER} matrices of the encoder and {N_DECODER} of the decoder;")


def test_the_norms_of_an_encoder_without_lora_stay_too() -> None:
    network = new_network("conv")
    add_lora(network, rank=4, trains_norms=True)
    assert not any(p.requires_grad for p in network.image_encoder.parameters())
    assert network.get_parameter("mask_decoder.transformer.norm_final_attn.weight").requires_grad


def test_what_cannot_be_is_one_sentence() -> None:
    network = new_network("conv")
    with pytest.raises(SettingsError, match="a ConvImageEncoder has no attention that could take LoRA"):
        add_lora(network, rank=4, part="encoder")
    assert all(p.requires_grad for p in network.parameters())
    with pytest.raises(SettingsError, match="a rank of at least 1, got 0"):
        add_lora(network, rank=0)
    add_lora(network, rank=1)
    with pytest.raises(SettingsError, match="has LoRA already"):
        add_lora(network, rank=1)


def test_a_network_without_lora_merges_to_a_copy() -> None:
    network = new_network("vit")
    plain = merge_lora(network)
    assert plain is not network
    assert torch.equal(answer(plain), answer(network))
    assert isinstance(plain.image_encoder, ImageEncoder)
