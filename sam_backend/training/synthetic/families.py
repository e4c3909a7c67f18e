"""Which pictures show nearly the same thing, and on which side of the hold-out such a family stands."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePath

HELD_OUT_SHARE = 0.1

_LOOK_ALIKES: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("keycap", ((0x23, 0x23), (0x2A, 0x2A), (0x30, 0x39), (0x1F51F, 0x1F51F))),
    ("flag", ((0x1F1E6, 0x1F1FF), (0x1F3F3, 0x1F3F4))),
    ("clock", ((0x1F550, 0x1F567),)),
    ("moon", ((0x1F311, 0x1F318),)),
    ("globe", ((0x1F30D, 0x1F30F),)),
    ("zodiac", ((0x2648, 0x2653), (0x26CE, 0x26CE))),
    ("arrow", ((0x2190, 0x21FF), (0x2934, 0x2935), (0x27A1, 0x27A1), (0x2B05, 0x2B07))),
    ("button", ((0x23E9, 0x23EF), (0x23F8, 0x23FA), (0x25B6, 0x25B6), (0x25C0, 0x25C0))),
    ("lettering", ((0x1F170, 0x1F19A), (0x1F201, 0x1F251), (0x3297, 0x3299), (0x1F520, 0x1F524))),
    ("heart", ((0x2763, 0x2764), (0x1F493, 0x1F49F), (0x1F5A4, 0x1F5A4), (0x1F90D, 0x1F90E), (0x1F9E1, 0x1F9E1))),
    ("plain shape", ((0x25AA, 0x25AB), (0x25FB, 0x25FE), (0x26AA, 0x26AB), (0x2B1B, 0x2B1C), (0x1F7E0, 0x1F7EB))),
    ("plain shape", ((0x1F534, 0x1F53B), (0x1F53C, 0x1F53D))),
    ("face", ((0x2639, 0x263A), (0x1F600, 0x1F637), (0x1F641, 0x1F644), (0x1F910, 0x1F917), (0x1F920, 0x1F92F))),
    ("face", ((0x1F970, 0x1F976), (0x1F978, 0x1F97A), (0x1F9D0, 0x1F9D0), (0x1FAE0, 0x1FAE9))),
    ("cat face", ((0x1F638, 0x1F640),)),
    ("person", ((0x1F466, 0x1F469), (0x1F46A, 0x1F46D), (0x1F474, 0x1F476), (0x1F9D1, 0x1F9D3))),
)
"""Ranges of code points, both ends included, whose pictures differ in a colour, a sign or an expression."""

_LOOK_ALIKE_FOLDERS = frozenset({"money", "flags", "chess"})


def emoji_family(path: PurePath) -> str:
    """The family of a picture named by its code points, such as ``1f44b-1f3fd.webp``.

    Variants of skin, hair and gender follow the code point of the thing itself.
    """
    first = int(path.stem.split("-")[0], 16)
    for name, ranges in _LOOK_ALIKES:
        if any(low <= first <= high for low, high in ranges):
            return f"emoji {name}"
    return f"emoji {first:04x}"


def stem_family(path: PurePath) -> str:
    """The family of a picture named in words: the first word, without numbers.

    ``apple_red`` and ``apple_fuji`` are one family, as are ``tugboat`` and ``tugboat_mirror``; a lone letter
    (``t_shirt``) says nothing, so the next word is taken too. All coins, say, are one family whatever their names.
    """
    alike = [folder for folder in path.parts[:-1] if folder in _LOOK_ALIKE_FOLDERS]
    if alike:
        return alike[0]
    words = re.findall(r"[a-z]+", path.stem.lower())
    if not words:
        return path.stem.lower()
    return words[0] if len(words[0]) > 1 else " ".join(words[:2])


def is_held_out(family: str) -> bool:
    """Whether a family is kept from training: decided by its name alone, so that new pictures move no old ones."""
    digest = hashlib.sha256(family.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT_SHARE
