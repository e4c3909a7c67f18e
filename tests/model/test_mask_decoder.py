from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.decoder_memory import DecodedPrompts, DecoderMemory
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.mask_decoder import MaskDecoder
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.vit import VitConfig

SIZES = {"grid_size": 6, "patch_size_px": 4, "window_size": 4, "out_width": 64}
VIT = SamConfig(VitConfig(width=16, depth=1, n_heads=2, global_blocks=(), **SIZES), 2, 32, 32)
CONV = SamConfig(ConvConfig(96, (8, 8, 16, 16), (1, 1, 1, 1), 64), 2, 32, 32, draws_prompts=True)


def network(config: SamConfig) -> Sam:
    torch.manual_seed(0)
    made = Sam(config).eval()
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made


@pytest.fixture(scope="module", params=[VIT, CONV], ids=["official", "with finer features"])
def sam(request: pytest.FixtureRequest) -> Sam:
    return network(request.param)


@pytest.fixture(scope="module")
def features(sam: Sam) -> ImageFeatures:
    with torch.no_grad():
        return sam.encode_image(torch.rand(1, 3, sam.image_size, sam.image_size) * 255)


def prompts(sam: Sam, n_points: int, with_mask: bool, n: int = 3) -> PromptTensors:
    side = sam.low_res_size
    return PromptTensors(
        points_xy=torch.rand(n, n_points, 2) * sam.image_size,
        is_foreground=torch.rand(n, n_points) > 0.5,
        mask_logits=torch.randn(n, 1, side, side) if with_mask else None,
    )


def upscale_plainly(decoder: MaskDecoder, features: ImageFeatures, decoded: DecodedPrompts) -> Tensor:
    """By convolutions over whole pictures, as the official code has it."""
    first, norm, activate, second, activate_last = decoder.output_upscaling
    image = torch.cat(decoded.cells, dim=1).transpose(1, 2).unflatten(2, features.coarse.shape[-2:])
    twice, four_times = features.fine or (0, 0)
    if decoded.detail is not None:
        four_times = four_times + decoded.detail
    pixels = activate_last(second(activate(norm(first(image) + twice))) + four_times)
    if decoder.refine_detail is not None:
        pixels = pixels + activate_last(decoder.refine_detail(pixels))
    return torch.einsum("bmc,bchw->bmhw", decoded.kernels, pixels)


@pytest.mark.parametrize("with_mask", [False, True], ids=["no mask", "mask"])
@pytest.mark.parametrize("n_points", [0, 1, 4, 20])
def test_inference_answers_as_training_does(n_points: int, with_mask: bool, sam: Sam, features: ImageFeatures) -> None:
    asked = prompts(sam, n_points, with_mask)
    learning = sam.decode(features, asked, multimask=True)
    with torch.inference_mode():
        torch.testing.assert_close(sam.decode(features, asked, multimask=True), learning, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cells_at_once", [1, 13, 10_000])
def test_strips_of_cells_are_upscaled_as_the_whole_by_convolutions(
    cells_at_once: int, sam: Sam, features: ImageFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam_backend.model.mask_decoder.CELLS_AT_ONCE", cells_at_once)
    with torch.inference_mode():
        memory = sam.remember(features)
        decoded = sam.attend(memory, prompts(sam, 2, with_mask=False), multimask=True)
        logits = sam.upscale(memory, decoded)
        torch.testing.assert_close(logits, upscale_plainly(sam.mask_decoder, features, decoded), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.1), (torch.float64, 1e-9)])
def test_other_number_types_are_upscaled_as_they_are(dtype: torch.dtype, tolerance: float) -> None:
    sam = network(VIT)
    with torch.inference_mode():
        memory = sam.remember(sam.encode_image(torch.rand(1, 3, 24, 24) * 255))
        single = sam.attend(memory, prompts(sam, 2, with_mask=False), multimask=True)
        decoded = replace(
            single, kernels=single.kernels.to(dtype), cells=tuple(cells.to(dtype) for cells in single.cells)
        )
        decoder = sam.mask_decoder.to(dtype)
        logits = decoder.upscale(memory, decoded)
        assert logits.dtype == dtype
        torch.testing.assert_close(
            logits, upscale_plainly(decoder, memory.features, decoded), atol=tolerance, rtol=tolerance
        )


@pytest.mark.parametrize("keep", [[[1, 0, 1], [0, 0, 0], [0, 1, 0]], [[0] * 3] * 3], ids=["some", "none"])
def test_only_wanted_masks_are_drawn(keep: list[list[int]], sam: Sam, features: ImageFeatures) -> None:
    wanted = torch.tensor(keep, dtype=torch.bool)
    with torch.inference_mode():
        memory = sam.remember(features)
        decoded = sam.attend(memory, prompts(sam, 1, with_mask=False), multimask=True)
        some = sam.upscale_some(memory, decoded, wanted, seen_hw=(24, 24))
        torch.testing.assert_close(some, sam.upscale(memory, decoded)[wanted], atol=1e-5, rtol=1e-5)


def test_what_is_not_seen_need_not_be_drawn() -> None:
    sam = network(VIT)
    with torch.inference_mode():
        memory = sam.remember(sam.encode_image(torch.rand(1, 3, 24, 24) * 255))
        decoded = sam.attend(memory, prompts(sam, 1, with_mask=False), multimask=False)
        part = sam.mask_decoder.upscale(memory, decoded, seen_hw=(9, 17))
        whole = sam.upscale(memory, decoded)
    torch.testing.assert_close(part[..., :12, :20], whole[..., :12, :20], atol=1e-5, rtol=1e-5)
    assert part.shape == whole.shape
    assert not part[..., 12:, :].any()
    assert not part[..., 20:].any()


def test_a_remembered_picture_counts_what_it_holds() -> None:
    sam = network(VIT)
    with torch.inference_mode():
        memory = sam.remember(sam.encode_image(torch.zeros(1, 3, 24, 24)))
    assert memory.shared is not None
    # The embedding, and keys, values and queries of half its width.
    assert memory.nbytes == 4 * 36 * (64 + 3 * 32)


def test_where_prompts_are_drawn_nothing_is_shared_over_them() -> None:
    sam = network(CONV)
    with torch.inference_mode():
        memory: DecoderMemory = sam.remember(sam.encode_image(torch.zeros(1, 3, 96, 96)))
    assert memory.shared is None
    assert memory.nbytes == 4 * 36 * (64 + 4 * 16 + 16 * 8)


def test_every_weight_of_the_decoder_learns() -> None:
    sam = network(VIT)
    logits, iou = sam.decode(
        sam.encode_image(torch.rand(1, 3, 24, 24)), prompts(sam, 1, with_mask=False), multimask=True
    )
    (logits.sum() + iou.sum()).backward()
    idle = [name for name, weight in sam.mask_decoder.named_parameters() if weight.grad is None]
    assert all(name.startswith("output_hypernetworks_mlps.0.") for name in idle)  # of the single mask
