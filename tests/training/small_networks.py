"""Networks small enough to train in a test, of both kinds, and one picture to learn."""

import numpy as np
import torch

from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.vit import VitConfig
from sam_backend.training.sample import LabelledPicture

SIZE_PX = 64
CONV = SamConfig(ConvConfig(SIZE_PX, (8, 8, 16, 16), (1, 2, 1, 1), 32), 2, 32, 32, draws_prompts=True)
VIT = SamConfig(
    VitConfig(width=32, depth=3, n_heads=2, global_blocks=(1,), grid_size=4, window_size=3, out_width=32), 2, 32, 32
)
KINDS = {"vit": VIT, "conv": CONV}


def new_network(kind: str, seed: int = 0) -> Sam:
    """Without zeros, which would hide what is lost."""
    torch.manual_seed(seed)
    network = Sam(KINDS[kind])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return network.eval()


def answer(network: Sam, seed: int = 1) -> torch.Tensor:
    """The logits and IoU of one click on random pixels."""
    generator = torch.Generator().manual_seed(seed)
    rgb = 255 * torch.rand(1, 3, SIZE_PX, SIZE_PX, generator=generator)
    prompts = PromptTensors(torch.tensor([[[20.0, 30.0]]]), torch.tensor([[True]]))
    logits, iou = network.decode(network.encode_image(rgb), prompts, multimask=True)
    return torch.cat([logits.flatten(), iou.flatten()])


def bright_square() -> LabelledPicture:
    mask = np.zeros((SIZE_PX, SIZE_PX), np.bool_)
    mask[16:48, 20:44] = True
    return LabelledPicture(np.repeat(mask[..., None] * np.uint8(220), 3, axis=2), mask[None])
