import pytest
import torch
from small_networks import new_network

from sam_backend.model.sam import Sam
from sam_backend.training.freeze import choose_trained
from sam_backend.training.lora import add_lora
from sam_backend.training.parameter_groups import parameter_groups, set_learning_rate


def by_name(network: Sam, layer_decay: float = 1.0) -> dict[str, tuple[float, float]]:
    """Weight decay and scale of the learning rate of each trained weight."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = parameter_groups(network, weight_decay=0.1, layer_decay=layer_decay)
    return {names[id(p)]: (group["weight_decay"], group["lr_scale"]) for group in groups for p in group["params"]}


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_every_trained_weight_is_in_one_group(kind: str) -> None:
    network = new_network(kind)
    groups = parameter_groups(network, 0.1, 0.8)
    assert sorted(id(p) for group in groups for p in group["params"]) == sorted(id(p) for p in network.parameters())
    assert len({(group["weight_decay"], group["lr_scale"]) for group in groups}) == len(groups)


def test_matrices_decay_and_tables_biases_norms_and_tokens_do_not() -> None:
    decay = {name: decay for name, (decay, _) in by_name(new_network("vit")).items()}
    spared = {
        "image_encoder.pos_embed",
        "image_encoder.blocks.0.attn.rel_pos_h",
        "image_encoder.blocks.0.attn.rel_pos_w",
        "image_encoder.blocks.0.norm1.weight",
        "image_encoder.neck.1.weight",
        "mask_decoder.iou_token.weight",
        "mask_decoder.mask_tokens.weight",
        "prompt_encoder.point_embeddings.3.weight",
        "prompt_encoder.no_mask_embed.weight",
    }
    assert {decay[name] for name in spared} == {0.0}
    assert {value for name, value in decay.items() if name.endswith(".bias")} == {0.0}
    taken = {
        "image_encoder.patch_embed.proj.weight",
        "image_encoder.blocks.0.attn.qkv.weight",
        "image_encoder.neck.2.weight",
        "mask_decoder.output_upscaling.0.weight",
        "mask_decoder.transformer.layers.0.self_attn.q_proj.weight",
        "mask_decoder.iou_prediction_head.layers.0.weight",
        "prompt_encoder.mask_downscaling.0.weight",
    }
    assert {decay[name] for name in taken} == {0.1}


def test_a_vits_rate_falls_towards_its_input_as_in_vitdet() -> None:
    scale = {name: scale for name, (_, scale) in by_name(new_network("vit"), layer_decay=0.5).items()}
    assert scale["image_encoder.pos_embed"] == scale["image_encoder.patch_embed.proj.bias"] == 0.5**4
    assert [scale[f"image_encoder.blocks.{index}.mlp.lin1.weight"] for index in range(3)] == [0.125, 0.25, 0.5]
    rest = {s for name, s in scale.items() if name.startswith(("image_encoder.neck", "prompt_encoder", "mask_decoder"))}
    assert rest == {1.0}


def test_a_convolutional_encoders_rate_falls_by_stages() -> None:
    scale = {name: scale for name, (_, scale) in by_name(new_network("conv"), layer_decay=0.5).items()}
    assert scale["image_encoder.stem.0.weight"] == 0.5**5
    assert scale["image_encoder.stages.0.0.conv1.weight"] == 0.5**4
    assert scale["image_encoder.stages.3.1.conv1.weight"] == 0.5
    assert scale["image_encoder.neck.embed.0.weight"] == scale["prompt_encoder.map_detail.weight"] == 1


def test_frozen_weights_are_left_out() -> None:
    network = new_network("vit")
    choose_trained(network, "decoder")
    assert not any(name.startswith("image_encoder") for name in by_name(network))
    add_lora(network, rank=2)
    scales = by_name(network, layer_decay=0.5)
    assert scales["image_encoder.blocks.0.attn.qkv.parametrizations.weight.0.a"] == (0.1, 0.125)
    assert "image_encoder.blocks.0.attn.qkv.parametrizations.weight.original" not in scales


def test_an_optimizer_keeps_the_scales_and_takes_a_rate() -> None:
    network = new_network("vit")
    optimizer = torch.optim.AdamW(parameter_groups(network, 0.1, 0.5), lr=1.0)
    set_learning_rate(optimizer, 0.01)
    assert {group["lr"] for group in optimizer.param_groups} == {0.01 * 0.5**n for n in range(5)}
    again = torch.optim.AdamW(parameter_groups(network, 0.1, 0.5), lr=1.0)
    again.load_state_dict(optimizer.state_dict())
    assert [group["lr_scale"] for group in again.param_groups] == [g["lr_scale"] for g in optimizer.param_groups]
