"""A tiny folder of cut-outs, prepared by the code that prepares the real one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sam_backend.training.synthetic.families import is_held_out
from sam_backend.training.synthetic.prepare import prepare_folder
from sam_backend.training.synthetic.sources import PictureSource

EMOJI = PictureSource(
    package="@some/emoji@1.0", registry="npm", role="objects", wanted=("assets/*.png",), licence="MIT"
)
STAMPS = PictureSource(
    package="stamps",
    registry="debian",
    role="objects",
    wanted=("stamps/**/*.png",),
    licence="GPL-2.0",
    unwanted=("letters",),
)
PHOTOS = PictureSource(package="photos", registry="debian", role="backgrounds", wanted=("**/*.jpg",), licence="CC0-1.0")


def draw_object(path: Path, colour: tuple[int, int, int], side_px: int = 64, alpha: int = 255) -> None:
    """A disc on nothing, with empty margins around."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGBA", (side_px, side_px))
    ImageDraw.Draw(picture).ellipse((8, 8, side_px - 9, side_px - 9), fill=(*colour, alpha))
    picture.save(path)


def code_points() -> Iterator[str]:
    """Two of each side of the hold-out."""
    for held_out in (True, False):
        names = (f"{number:04x}" for number in range(0x1F400, 0x1F500))
        chosen = [name for name in names if is_held_out(f"emoji {name}") == held_out]
        yield from chosen[:2]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[PictureSource, Path]]:
    root = tmp_path_factory.mktemp("packages")
    for number, name in enumerate(code_points()):
        draw_object(root / "emoji" / "assets" / f"{name}.png", (250, 60 * number, 0))
        draw_object(root / "emoji" / "assets" / f"{name}-1f3fd.png", (120, 60 * number, 0))
    for name in ("apple_red", "apple_green", "pear-1", "letters/a"):
        draw_object(root / "stamps" / "stamps" / f"{name}.png", (0, 200, 90), side_px=90)
    draw_object(root / "stamps" / "stamps" / "glow.png", (255, 255, 0), alpha=60)
    draw_object(root / "stamps" / "stamps" / "speck.png", (255, 255, 0), side_px=30)
    rng = np.random.default_rng(0)
    for number in range(30):
        path = root / "photos" / f"Place{number}" / "contents" / "images"
        path.mkdir(parents=True)
        shades = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        shades.resize((160, 120)).save(path / "160x120.jpg")
    shades.resize((80, 60)).save(path / "80x60.jpg")
    return [(EMOJI, root / "emoji"), (STAMPS, root / "stamps"), (PHOTOS, root / "photos")]


@pytest.fixture(scope="session")
def cutout_folder(packages: list[tuple[PictureSource, Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cutouts")
    prepare_folder(packages, folder)
    return folder
