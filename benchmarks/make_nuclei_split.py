"""Choose the held-out pictures of BBBC038v1, so that near-duplicates stay on one side.

    python -m benchmarks.make_nuclei_split NUCLEI_FOLDER > sam_backend/training/splits/nuclei_held_out.txt

Many pictures of the set are neighbouring tiles of one large field, a few overlap. Two pictures of one size are tied
if they correlate above 0.5 at any shift, or if the border of one continues that of the other (correlation above 0.95).
Whole groups of tied pictures are held out, about 15 % of the pictures of each size.
"""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.picture import read_picture

HELD_OUT_SHARE = 0.15
SHIFTED_CORRELATION = 0.5
BORDER_CORRELATION = 0.95
LARGEST_BORDER_RESIDUAL = 0.25
"""Mean difference of two borders over their standard deviation: bars borders that only vary alike."""


def main() -> None:
    """Print the names."""
    by_size: dict[tuple[int, ...], dict[str, NDArray[np.uint8]]] = defaultdict(dict)
    for path in sorted(Path(sys.argv[1], "images").glob("*.png")):
        image = read_picture(path)
        by_size[image.shape][path.stem] = image
    print("# BBBC038v1 pictures never trained on, in whole groups of neighbouring tiles.")
    print("# Made by benchmarks/make_nuclei_split.py")
    chosen = [name for pictures in by_size.values() for name in choose(group(pictures))]
    print("\n".join(sorted(chosen)))


def group(pictures: dict[str, NDArray[np.uint8]]) -> list[list[str]]:
    """Gather tied pictures of one size."""
    names = list(pictures)
    images = np.stack([pictures[name] for name in names]).astype(np.float32)
    tied = overlapping(images) | continued(images[:, :, -1], images[:, :, 0]) | continued(images[:, -1], images[:, 0])
    root = list(range(len(names)))
    for a, b in np.argwhere(tied):
        root = [root[a] if r == root[b] else r for r in root]
    groups = defaultdict(list)
    for name, r in zip(names, root, strict=True):
        groups[r].append(name)
    return list(groups.values())


def overlapping(images: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n, n): which pictures correlate at some shift, measured at half size or less."""
    step = max(1, max(images.shape[1:3]) // 128)
    grey = images[:, ::step, ::step].mean(axis=-1)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    grey /= np.linalg.norm(grey, axis=(1, 2), keepdims=True) + 1e-9
    spectra = np.fft.rfft2(grey)
    best = [np.abs(np.fft.irfft2(one.conj() * spectra, s=grey.shape[1:])).max(axis=(1, 2)) for one in spectra]
    return np.asarray(best) > SHIFTED_CORRELATION


def continued(ends: NDArray[np.float32], starts: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n, n): whose end border (n, side, 3) another's start border continues. Flat borders tell nothing."""
    a, b = (x.reshape(len(x), -1) - x.reshape(len(x), -1).mean(axis=1, keepdims=True) for x in (ends, starts))
    spread_a, spread_b = a.std(axis=1), b.std(axis=1)
    correlation = a @ b.T / a.shape[1] / (np.outer(spread_a, spread_b) + 1e-9)
    candidates = (correlation > BORDER_CORRELATION) & (spread_a[:, None] > 2) & (spread_b > 2)
    for i, j in np.argwhere(candidates):
        candidates[i, j] = np.abs(ends[i] - starts[j]).mean() < LARGEST_BORDER_RESIDUAL * spread_a[i]
    return candidates


def choose(groups: list[list[str]]) -> list[str]:
    """Whole groups in the order of a hash, until the share is reached; one that overshoots it is passed over."""
    wanted = HELD_OUT_SHARE * sum(map(len, groups))
    chosen: list[str] = []
    for members in sorted(groups, key=lambda names: hashlib.sha256(min(names).encode()).digest()):
        if len(chosen) + len(members) <= wanted + 1:
            chosen += members
    return chosen


if __name__ == "__main__":
    main()
