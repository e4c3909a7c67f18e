"""A generated fluorescence picture of cell nuclei whose true outlines are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH_PX, HEIGHT_PX = 800, 600
N_NUCLEI = 26
RADIUS_PX = (20.0, 46.0)
GAP_PX = 14.0
FIRST_HARMONIC, LAST_HARMONIC = 2, 5

FOCUS_BLUR_PX = 1.2
GLOW_BLUR_PX = 22.0
GLOW = 0.16
NOISE = 0.012
BACKGROUND = 0.035

STAIN_STOPS = (0.0, 0.30, 0.70, 1.0)
STAIN_RGB = ((3, 4, 12), (22, 50, 140), (96, 170, 245), (236, 250, 255))
"""The colours of a nuclear stain from dark to bright, at ``STAIN_STOPS``."""


@dataclass(frozen=True, slots=True)
class Nucleus:
    """One nucleus: an ellipse with a gently waved outline."""

    center_x_px: float
    center_y_px: float
    radius_px: float
    """Geometric mean of both half axes."""

    elongation: float
    """Long half axis over ``radius_px``."""

    angle_rad: float
    """Direction of the long axis."""

    wave_amplitudes: tuple[float, ...]
    """Of the harmonics from ``FIRST_HARMONIC`` on, as parts of the radius."""

    wave_phases_rad: tuple[float, ...]
    brightness: float

    @property
    def reach_px(self) -> float:
        """Radius of a circle around the centre that holds the whole nucleus."""
        return self.radius_px * self.elongation * (1 + sum(map(abs, self.wave_amplitudes)))


@dataclass(frozen=True, slots=True, eq=False)
class NucleiScene:
    """A picture and the truth about it, in image px."""

    picture_rgb: NDArray[np.uint8]
    """(h, w, 3)."""

    labels: NDArray[np.uint8]
    """(h, w): 0 = background, i + 1 = ``nuclei[i]``."""

    nuclei: tuple[Nucleus, ...]
    """From the largest to the smallest."""

    def mask(self, index: int) -> NDArray[np.bool_]:
        """Return the true mask of a nucleus, (h, w), True = nucleus."""
        return self.labels == index + 1

    def center_xy(self, index: int) -> tuple[float, float]:
        """Return the centre of a nucleus in image px."""
        return self.nuclei[index].center_x_px, self.nuclei[index].center_y_px

    def box_xyxy(self, index: int) -> tuple[float, float, float, float]:
        """Return the half-open box around a nucleus in image px: left, top, right, bottom."""
        rows, columns = np.nonzero(self.mask(index))
        return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)

    def nearest_neighbour(self, index: int) -> int:
        """Return the index of the nucleus whose centre is nearest to that of another."""
        here = self.nuclei[index]
        others = [other for other in range(len(self.nuclei)) if other != index]
        return min(others, key=lambda other: _distance_px(here, self.nuclei[other]))

    def save(self, path: Path) -> Path:
        """Write the picture as PNG."""
        Image.fromarray(self.picture_rgb).save(path)
        return path


def make_nuclei_scene(seed: int = 7) -> NucleiScene:
    """Make a picture of nuclei; the same seed gives the same pixels."""
    rng = np.random.default_rng(seed)
    nuclei = tuple(sorted(_scatter(rng), key=lambda nucleus: -nucleus.radius_px))
    labels = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    light = np.full((HEIGHT_PX, WIDTH_PX), BACKGROUND)
    chromatin = _blurred(rng.standard_normal((HEIGHT_PX, WIDTH_PX)), 3.0)
    chromatin /= chromatin.std()
    for index, nucleus in enumerate(nuclei):
        depth = _depth(nucleus)
        inside = depth > 0
        labels[inside] = index + 1
        shading = 0.72 + 0.28 * np.sqrt(np.clip(depth[inside], 0, 1)) + 0.10 * chromatin[inside]
        light[inside] = nucleus.brightness * shading
    light = _blurred(light, FOCUS_BLUR_PX) + GLOW * _blurred(light, GLOW_BLUR_PX)
    light += NOISE * rng.standard_normal(light.shape)
    return NucleiScene(picture_rgb=_stain(light), labels=labels, nuclei=nuclei)


def _scatter(rng: np.random.Generator) -> list[Nucleus]:
    nuclei: list[Nucleus] = []
    while len(nuclei) < N_NUCLEI:
        candidate = _random_nucleus(rng, shrink=1 - 0.5 * len(nuclei) / N_NUCLEI)
        if _has_room(candidate, nuclei):
            nuclei.append(candidate)
    return nuclei


def _random_nucleus(rng: np.random.Generator, shrink: float) -> Nucleus:
    n_harmonics = LAST_HARMONIC - FIRST_HARMONIC + 1
    amplitudes = rng.normal(0, 0.05, n_harmonics) / np.arange(1, n_harmonics + 1)
    return Nucleus(
        center_x_px=rng.uniform(0, WIDTH_PX),
        center_y_px=rng.uniform(0, HEIGHT_PX),
        radius_px=RADIUS_PX[0] + shrink * rng.uniform(0.2, 1.0) * (RADIUS_PX[1] - RADIUS_PX[0]),
        elongation=rng.uniform(1.0, 1.28),
        angle_rad=rng.uniform(0, np.pi),
        wave_amplitudes=tuple(np.clip(amplitudes, -0.09, 0.09).tolist()),
        wave_phases_rad=tuple(rng.uniform(0, 2 * np.pi, n_harmonics).tolist()),
        brightness=rng.uniform(0.5, 0.95),
    )


def _has_room(candidate: Nucleus, nuclei: list[Nucleus]) -> bool:
    reach_px = candidate.reach_px
    is_within_x = reach_px < candidate.center_x_px < WIDTH_PX - reach_px
    is_within_y = reach_px < candidate.center_y_px < HEIGHT_PX - reach_px
    return (
        is_within_x
        and is_within_y
        and all(_distance_px(candidate, other) > candidate.reach_px + other.reach_px + GAP_PX for other in nuclei)
    )


def _distance_px(one: Nucleus, other: Nucleus) -> float:
    return float(np.hypot(one.center_x_px - other.center_x_px, one.center_y_px - other.center_y_px))


def _depth(nucleus: Nucleus) -> NDArray[np.float64]:
    """Return 1 at the centre, 0 on the outline, less outside, for every pixel."""
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX] + 0.5
    dx, dy = columns - nucleus.center_x_px, rows - nucleus.center_y_px
    cosine, sine = np.cos(nucleus.angle_rad), np.sin(nucleus.angle_rad)
    along = (dx * cosine + dy * sine) / nucleus.elongation
    across = (dy * cosine - dx * sine) * nucleus.elongation
    direction = np.arctan2(across, along)
    waves = zip(nucleus.wave_amplitudes, nucleus.wave_phases_rad, strict=True)
    outline = 1 + sum(
        amplitude * np.cos(harmonic * direction + phase)
        for harmonic, (amplitude, phase) in enumerate(waves, FIRST_HARMONIC)
    )
    return np.asarray(1 - np.hypot(along, across) / (nucleus.radius_px * outline), np.float64)


def _blurred(values: NDArray[np.float64], radius_px: float) -> NDArray[np.float64]:
    height, width = values.shape
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    response = np.exp(-2 * (np.pi * radius_px * frequencies) ** 2)
    return np.asarray(np.fft.irfft2(np.fft.rfft2(values) * response, values.shape), np.float64)


def _stain(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    channels = [np.interp(light, STAIN_STOPS, channel) for channel in zip(*STAIN_RGB, strict=True)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)
