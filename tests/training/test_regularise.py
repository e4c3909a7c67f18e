import copy

import pytest
import torch
from small_networks import answer, new_network
from torch import nn

from sam_backend.errors import SettingsError
from sam_backend.model.image_encoder import ImageEncoder
from sam_backend.training.regularise import _branches_with_rates, regularised


def outputs(modules: list[nn.Module], run: nn.Module) -> list[torch.Tensor]:
    """What the modules hand on after one answer of the network."""
    seen: list[torch.Tensor] = []
    hooks = [module.register_forward_hook(lambda _, __, output: seen.append(output)) for module in modules]
    answer(run)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    ("kind", "rates"),
    [("vit", [0, 0, 0.2, 0.2, 0.4, 0.4]), ("conv", [0, 0.1, 0.2, 0.3, 0.4])],
    ids=["vit", "conv"],
)
def test_the_rate_grows_with_depth_and_a_block_has_one(kind: str, rates: list[float]) -> None:
    assert [rate for _, rate in _branches_with_rates(new_network(kind), 0.4)] == pytest.approx(rates)


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_a_branch_is_dropped_whole_or_not_at_all(kind: str) -> None:
    network = new_network(kind)
    deepest = _branches_with_rates(network, 0.5)[-1][0]
    plain = outputs([deepest], network)[0]
    with regularised(network.train(), drop_path=0.5, generator=torch.Generator().manual_seed(0)):
        assert {bool(outputs([deepest], network)[0].any()) for _ in range(12)} == {True, False}
    torch.testing.assert_close(outputs([deepest], network.eval())[0], plain)


def test_what_stays_keeps_the_mean() -> None:
    network = new_network("conv").train()
    branch = _branches_with_rates(network, 0.5)[-1][0]
    x = torch.randn(1, 16, 2, 2)
    plain = branch(x)
    with regularised(network, drop_path=0.5, generator=torch.Generator().manual_seed(0)):
        drawn = torch.stack([branch(x) for _ in range(200)])
    kept = drawn[drawn.flatten(1).any(dim=1)]
    torch.testing.assert_close(kept, 2 * plain.expand_as(kept))
    assert 70 < len(kept) < 130


def test_the_decoder_drops_a_tenth_after_each_attention_and_mlp() -> None:
    network = new_network("vit").train()
    transformer = network.mask_decoder.transformer
    places = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        places += [layer.self_attn, layer.cross_attn_token_to_image, layer.mlp, layer.cross_attn_image_to_token]
    with regularised(network, decoder_dropout=0.1):
        seen = outputs(places, network)
    assert len(seen) == 9
    for output in seen:
        assert 0.02 < (output == 0).float().mean() < 0.2
    assert not any((output == 0).any() for output in outputs(places, network))


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_evaluation_mode_and_the_state_dict_know_nothing_of_it(kind: str) -> None:
    network = new_network(kind)
    plain, names = answer(network), list(network.state_dict())
    with regularised(network, drop_path=0.6, decoder_dropout=0.1):
        assert torch.equal(answer(network), plain)
        assert list(network.state_dict()) == names
        assert torch.equal(answer(copy.deepcopy(network)), plain)
        assert not torch.equal(answer(network.train()), plain)
    assert torch.equal(answer(network), plain)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_failure_inside_takes_it_out_too() -> None:
    network = new_network("vit")
    with pytest.raises(RuntimeError, match="stop"), regularised(network, drop_path=0.6):
        raise RuntimeError("stop")
    assert not any(module._forward_hooks for module in network.modules())


def test_chance_comes_from_the_generator_alone() -> None:
    network = new_network("vit").train()
    with regularised(network, 0.4, 0.1, generator := torch.Generator()):
        generator.manual_seed(5)
        first = answer(network)
        generator.manual_seed(5)
        assert torch.equal(answer(network), first)
        assert not torch.equal(answer(network), first)


@pytest.mark.parametrize("rates", [(1.0, 0.0), (-0.1, 0.0), (0.0, 1.0)], ids=str)
def test_impossible_rates_are_named(rates: tuple[float, float]) -> None:
    with pytest.raises(SettingsError, match="a rate lies from 0 to below 1"), regularised(new_network("vit"), *rates):
        pass


def test_an_encoder_without_known_branches_is_named() -> None:
    network = new_network("vit")
    network.image_encoder = ImageEncoder()
    with pytest.raises(SettingsError, match="no residual branches of a ImageEncoder"), regularised(network, 0.1):
        pass
