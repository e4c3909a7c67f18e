"""Where cut-out objects and backgrounds come from: packages of public registries, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PictureSource:
    """A package and those of its files that are used."""

    package: str
    """Its name in the registry, with a version where the registry keeps old ones."""

    registry: Literal["npm", "debian"]

    role: Literal["objects", "backgrounds"]

    wanted: tuple[str, ...]
    """Glob patterns inside the unpacked package. Of those files that share a family, backgrounds keep the largest."""

    licence: str
    """As the package states it."""

    unwanted: tuple[str, ...] = ()
    """Parts of paths that leave a file out."""


FLUENT_EMOJI = PictureSource(
    package="@lobehub/fluent-emoji-3d@1.1.0",
    registry="npm",
    role="objects",
    wanted=("package/assets/*.webp",),
    licence="MIT",
)

TUX_PAINT_STAMPS = PictureSource(
    package="tuxpaint-stamps-default",
    registry="debian",
    role="objects",
    wanted=("usr/share/tuxpaint/stamps/**/*.png",),
    licence="GPL-2.0-or-later; some stamps also CC-BY, CC-BY-SA, GFDL or public domain",
    # Glyphs and line drawings on nothing are no objects: a click between two strokes would be a click beside them.
    unwanted=("symbols/alphabets", "symbols/math", "symbols/music", "money/00_symbols", "-outline", "inukshuk-outline"),
)

MATE_PHOTOGRAPHS = PictureSource(
    package="mate-backgrounds",
    registry="debian",
    role="backgrounds",
    wanted=("usr/share/backgrounds/mate/nature/*.jpg",),
    licence="GPL-2.0-or-later",
)

PLASMA_PHOTOGRAPHS = PictureSource(
    package="plasma-workspace-wallpapers",
    registry="debian",
    role="backgrounds",
    wanted=tuple(
        f"usr/share/wallpapers/{name}/contents/images/*.jpg"
        for name in (
            "Autumn",
            "BytheWater",
            "ColdRipple",
            "ColorfulCups",
            "DarkestHour",
            "EveningGlow",
            "FallenLeaf",
            "Grey",
            "Kite",
            "OneStandsOut",
            "Path",
            "summer_1am",
        )
    ),
    licence="LGPL-3.0 by each picture's metadata, GPL-2.0-or-later by the package",
)

LOMIRI_PHOTOGRAPHS = PictureSource(
    package="lomiri-wallpapers-16.04",
    registry="debian",
    role="backgrounds",
    wanted=("usr/share/backgrounds/*_by_*.jpg",),
    licence="CC-BY-4.0 or CC-BY-SA-4.0, by photograph",
)

SOURCES = (FLUENT_EMOJI, TUX_PAINT_STAMPS, MATE_PHOTOGRAPHS, PLASMA_PHOTOGRAPHS, LOMIRI_PHOTOGRAPHS)
