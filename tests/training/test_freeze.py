import pytest
import torch
from small_networks import answer, new_network

from sam_backend.training.freeze import Part, choose_trained, count_trained

IOU_HEAD = ("mask_decoder.iou_prediction_head", "mask_decoder.iou_token")


@pytest.mark.parametrize("kind", ["vit", "conv"])
@pytest.mark.parametrize(
    ("part", "prefixes"),
    [
        ("everything", ("",)),
        ("decoder", ("mask_decoder", "prompt_encoder")),
        ("encoder", ("image_encoder", *IOU_HEAD)),
    ],
)
def test_the_chosen_part_learns_and_the_iou_head_always(kind: str, part: Part, prefixes: tuple[str, ...]) -> None:
    network = new_network(kind)
    choose_trained(network, "encoder" if part == "decoder" else "decoder")  # what was chosen before is forgotten
    report = choose_trained(network, part)
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == name.startswith(prefixes), name
    trained = sum(p.numel() for name, p in network.named_parameters() if name.startswith(prefixes))
    assert sum(report.n_trained.values()) == trained
    assert report.n_weights == sum(p.numel() for p in network.parameters())


def test_gradients_reach_what_learns_and_nothing_else() -> None:
    network = new_network("vit")
    choose_trained(network, "encoder")
    answer(network).sum().backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == name.startswith(("image_encoder", *IOU_HEAD)), name


def test_the_report_is_one_line() -> None:
    network = new_network("vit")
    choose_trained(network, "decoder")
    n_trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    line = str(count_trained(network))
    assert line.startswith(f"{n_trained:,} of {sum(p.numel() for p in network.parameters()):,} weights learn (")
    assert "prompt encoder" in line
    assert "image encoder" not in line
    assert str(count_trained(network.requires_grad_(False))).endswith("(0.0%): none")


def test_a_frozen_encoder_needs_no_backward_pass() -> None:
    network = new_network("conv")
    choose_trained(network, "decoder")
    assert not network.encode_image(torch.zeros(1, 3, 8, 8)).coarse.requires_grad
