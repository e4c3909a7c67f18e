"""What all parts of one run share: how thorough it is, the picture, and networks that are built when first needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.suite.networks import Networks, Prompted, build_networks
from benchmarks.suite.realistic import make_realistic
from benchmarks.suite.rivals import Rivals
from benchmarks.suite.scene import picture
from benchmarks.suite.sdk import SdkBrush
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.variants import VIT_B, VIT_H, VIT_L
from sam_backend.model.vit import VitConfig

IMAGE_HW = (1000, 1500)
VITS = {"B": VIT_B.encoder, "L": VIT_L.encoder, "H": VIT_H.encoder}
ENCODE_GFLOP = {"B": 972.0, "L": 2986.0, "H": 5961.0}
CLICK_GFLOP = 3.62
NARROW = VitConfig(width=48, depth=3, n_heads=3, global_blocks=(2,))


@dataclass(eq=False)
class Stage:
    """Handed to every part."""

    is_quick: bool
    """Whether only to show that everything works: a narrow encoder, few points, one turn."""

    n_threads: int
    sdk: SdkBrush
    image: NDArray[np.uint8] = field(default_factory=lambda: picture(IMAGE_HW))
    adjustment: str = ""
    """How the weights of `networks` were adjusted, once they are."""

    _others: dict[str, Networks] = field(default_factory=dict)

    def vit(self, size: str) -> VitConfig:
        """The encoder of a size, or the narrow one that stands in for it."""
        encoder = VITS[size]
        if not isinstance(encoder, VitConfig):
            raise TypeError(f"{size} names no vision transformer")
        return NARROW if self.is_quick else encoder

    @property
    def points_per_side(self) -> int:
        """Of the grid of automatic masks."""
        return 4 if self.is_quick else 32

    def turns(self, n: int) -> int:
        """How often to repeat what a thorough run repeats ``n`` times."""
        return 1 if self.is_quick else n

    @cached_property
    def networks(self) -> Networks:
        """ViT-B, its decoder made to give masks as a trained one does."""
        networks = build_networks(self.vit("B"))
        self.adjustment = make_realistic(networks.ours, self.image, self.points_per_side)
        return networks

    @cached_property
    def prompted(self) -> Prompted:
        """The picture, embedded."""
        return Prompted.of(self.networks, self.image)

    @cached_property
    def rivals(self) -> Rivals:
        """The process in which the others run."""
        return Rivals.beside(self)

    def close(self) -> None:
        """End what was started."""
        if "rivals" in self.__dict__:
            self.rivals.close()

    def take_over(self, weights: dict[str, Tensor], features: ImageFeatures) -> None:
        """Have the networks and the embedded picture of another stage."""
        self.networks = build_networks(self.vit("B"))
        self.networks.official.load_state_dict(weights)  # whose tensors the other two share
        self.prompted = Prompted(self.networks, self.image, features)

    def networks_of(self, size: str) -> Networks:
        """The networks of an encoder's size; of those beside B the last ones are kept."""
        if size == "B":
            return self.networks
        if size not in self._others:
            self._others.clear()  # one after the other fits in memory
            self._others[size] = build_networks(self.vit(size))
        return self._others[size]
