"""Cut-out objects and backgrounds of a prepared folder, drawn so that no source or family prevails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_backend.errors import DatasetError
from sam_backend.training.synthetic.cutout_index import Entry, read_index
from sam_backend.training.synthetic.picture_cache import DEFAULT_CACHE_BYTES, PictureCache

SHARPNESS = 0.75
"""Of a photograph's part: pixels of the file per pixel drawn, at least, where the file has as many."""


class CutoutFolder:
    """One side of the hold-out of a folder that ``fetch`` has prepared."""

    def __init__(self, folder: Path, held_out: bool, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        """Read the index.

        Raises:
            DatasetError: there is no index, or this side of it has no objects or no backgrounds.
        """
        index = read_index(folder).side(held_out)
        if not (index.objects and index.backgrounds):
            raise DatasetError(
                f"{folder} has {len(index.objects)} objects and {len(index.backgrounds)} backgrounds that are"
                f" {'held out' if held_out else 'for training'}, wanted some of both: prepare it from more pictures"
            )
        self._folder = folder
        self._objects = _by_source_and_family(index.objects)
        self.backgrounds = index.backgrounds
        self._cache = PictureCache(cache_bytes)

    def draw_object(self, rng: np.random.Generator) -> Entry:
        """A random source, of that a random family, of that a random picture."""
        families = self._objects[int(rng.integers(len(self._objects)))]
        family = families[int(rng.integers(len(families)))]
        return family[int(rng.integers(len(family)))]

    def read_object(self, entry: Entry, side_px: float) -> Image.Image:
        """An RGBA picture, its longer side at least ``side_px`` where the file has as many."""
        return self._cache.read(self._folder / entry.file, side_px, "RGBA")

    def draw_photograph(self, rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
        """(h, w, 3) RGB, 0 to 255: a random part of a random background, perhaps mirrored."""
        entry = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        share = float(np.exp(rng.uniform(np.log(0.25), 0)))
        whole = self._cache.read(self._folder / entry.file, SHARPNESS * max(height, width) / share, "RGB")
        scale = share * min(whole.width / width, whole.height / height)
        crop_width, crop_height = scale * width, scale * height
        left, top = rng.uniform(0, whole.width - crop_width), rng.uniform(0, whole.height - crop_height)
        part = whole.resize(
            (width, height), Image.Resampling.BILINEAR, box=(left, top, left + crop_width, top + crop_height)
        )
        pixels = np.asarray(part)[:, :: int(rng.choice([-1, 1]))]
        return (pixels[::-1] if rng.random() < 0.1 else pixels).astype(np.float32)


def _by_source_and_family(entries: Iterable[Entry]) -> list[list[list[Entry]]]:
    sources: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        sources[entry.source][entry.family].append(entry)
    return [list(families.values()) for families in sources.values()]
