"""Three implementations that share the very same weights: the official code, `transformers` and ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from segment_anything import SamPredictor as OfficialPredictor
from segment_anything.build_sam import _build_sam as build_official
from segment_anything.modeling import Sam as OfficialSam
from torch import Tensor
from transformers import SamConfig as TheirConfig
from transformers import SamModel as TheirModel

from sam_backend.model.checkpoint_layouts import to_official_names
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.vit import VitConfig
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.predictor import Predictor

VERSION = "seeded"
POSITION_NAME = "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """One network, three times; its weights are in memory once."""

    official: OfficialSam
    transformers: TheirModel
    ours: Predictor


@torch.inference_mode(False)
def build_networks(encoder: VitConfig, seed: int = 0) -> Networks:
    """Build an official network with seeded weights, and the other two around them."""
    torch.manual_seed(seed)
    official = build_official(encoder.width, encoder.depth, encoder.n_heads, encoder.global_blocks)
    official.eval().requires_grad_(False)
    for parameter in official.parameters():
        if not parameter.any():  # positions and biases start at zero, which would hide mistakes
            parameter.normal_(std=0.02)
    state = official.state_dict()
    return Networks(official, _build_transformers(encoder, state), _build_ours(encoder, state))


def _build_ours(encoder: VitConfig, state: Mapping[str, Tensor]) -> Predictor:
    with torch.device("meta"):
        network = Sam(SamConfig(encoder))
    network.load_state_dict(dict(state), assign=True)
    return Predictor(network.eval().requires_grad_(False), VERSION, VERSION, torch.device("cpu"))


def _build_transformers(encoder: VitConfig, state: Mapping[str, Tensor]) -> TheirModel:
    config = TheirConfig(
        vision_config={
            "hidden_size": encoder.width,
            "num_hidden_layers": encoder.depth,
            "num_attention_heads": encoder.n_heads,
            "global_attn_indexes": list(encoder.global_blocks),
            "mlp_dim": 4 * encoder.width,
        }
    )
    config.mask_decoder_config.layer_norm_eps = 1e-5  # as the official decoder has it; theirs says 1e-6
    with torch.device("meta"):
        model = TheirModel(config)
    names = list(model.state_dict())
    official_names: dict[str, str] = to_official_names({name: name for name in names})  # type: ignore[arg-type, assignment]
    theirs = {their_name: state[name] for name, their_name in official_names.items()}
    for name in names:  # the matrix of positions has two names, of which renaming leaves one
        theirs.setdefault(name, state[POSITION_NAME])
    model.load_state_dict(theirs, assign=True)
    return model.eval().requires_grad_(False)


@dataclass(frozen=True, slots=True, eq=False)
class Prompted:
    """A picture that all three have embedded: one embedding, encoded once."""

    networks: Networks
    image: NDArray[np.uint8]
    features: ImageFeatures

    @classmethod
    def of(cls, networks: Networks, image: NDArray[np.uint8]) -> Prompted:
        """Encode a picture by ours."""
        features = networks.ours.embed(image).features
        # As the others' encoders lay it out.
        return cls(networks, image, replace(features, coarse=features.coarse.contiguous()))

    @property
    def frame(self) -> ImageFrame:
        """Where the picture lies in the square."""
        height, width = self.image.shape[:2]
        return ImageFrame((height, width), self.networks.ours.network.image_size)

    def ours(self) -> Embedding:
        """As our predictor takes it."""
        return self.networks.ours.recall(self.features, self.frame.image_hw)

    def official(self) -> OfficialPredictor:
        """The official predictor, as if it had encoded the picture."""
        predictor = OfficialPredictor(self.networks.official)
        predictor.features, predictor.is_image_set = self.features.coarse, True
        predictor.original_size, predictor.input_size = self.frame.image_hw, self.frame.resized_hw
        return predictor
