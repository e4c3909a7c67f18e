"""Generated scenes as a data set that is the same everywhere: scene i comes from seed i."""

from __future__ import annotations

import numpy as np

from sam_backend.errors import DatasetError
from sam_backend.training.sample import LabelledPicture
from sam_backend.training.synthetic.scenes import GeneratedScenes

SCENE_PX = 512
"""Side of a scene, in image px."""

_ALL_MASKS = 1000


class SceneSet:
    """The first scenes of an endless row."""

    def __init__(self, n_scenes: int) -> None:
        """Name the scenes; none is painted yet.

        Raises:
            DatasetError: there would be none.
        """
        if n_scenes < 1:
            raise DatasetError(f"a set of generated scenes needs at least one, got {n_scenes}")
        self.names = [str(seed) for seed in range(n_scenes)]

    def read(self, name: str) -> LabelledPicture:
        """Paint a scene.

        Raises:
            DatasetError: it isn't one of ``names``.
        """
        if name not in self.names:
            raise DatasetError(f"there is no scene {name!r}: the scenes are 0 to {len(self.names) - 1}")
        sample = GeneratedScenes().draw(np.random.default_rng(int(name)), SCENE_PX, _ALL_MASKS)
        return LabelledPicture(image=sample.image, masks=sample.masks)
