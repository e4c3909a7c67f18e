"""The string in a compressed COCO RLE: run lengths as deltas, five bits a character.

A count is written as its difference to the count two before it (of the same polarity), from the fourth on.
Each number is cut into groups of five bits, lowest first, as few as keep its sign; a sixth bit says that more follow;
48 makes it a printable character.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import MaskError

_FIRST_CHAR = 48
_MORE = 0x20
_SIGN = 0x10
_MAX_GROUPS = 7  # 35 bits hold every difference of two 32-bit counts

_GROUP_SHIFTS = 5 * np.arange(_MAX_GROUPS, dtype=np.int64)
_TOO_LARGE_FOR_GROUPS = 1 << (_GROUP_SHIFTS[1:] - 1)  # 16 needs two groups, 512 three, ...


def pack_counts(counts: NDArray[np.int64]) -> str:
    """Write (n,) run lengths, each below 2**32, as the string pycocotools would write."""
    deltas = counts.copy()
    deltas[3:] -= counts[1:-2]
    magnitudes = deltas ^ (deltas >> 63)  # -1 is as short as 0
    n_groups = 1 + np.searchsorted(_TOO_LARGE_FOR_GROUPS, magnitudes, side="right")
    nth_group = np.arange(n_groups.max())
    groups = (deltas[:, None] >> _GROUP_SHIFTS[nth_group]) & 0x1F  # (n, most groups)
    groups |= np.where(nth_group < n_groups[:, None] - 1, _MORE, 0)
    chars = groups[nth_group < n_groups[:, None]] + _FIRST_CHAR
    return chars.astype(np.uint8).tobytes().decode("ascii")


def unpack_counts(text: str | bytes) -> NDArray[np.int64]:
    """Read (n,) run lengths back; they may be negative or too many where the string is damaged.

    Raises:
        MaskError: a character isn't of the format, or the string ends within a number.
    """
    chars = np.frombuffer(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, np.uint8)
    if chars.size == 0:
        return np.zeros(0, np.int64)
    foreign = np.flatnonzero((chars < _FIRST_CHAR) | (chars >= _FIRST_CHAR + 64))
    if foreign.size:
        raise MaskError(
            f"the COCO RLE string has the byte {chars[foreign[0]]} at {foreign[0]}, where only the characters "
            "'0' to 'o' belong: it is damaged or no COCO RLE"
        )
    deltas = _read_groups(chars - _FIRST_CHAR)
    deltas[1::2] = np.cumsum(deltas[1::2])
    deltas[2::2] = np.cumsum(deltas[2::2])  # the very first count stands alone
    return deltas


def _read_groups(groups: NDArray[np.uint8]) -> NDArray[np.int64]:
    lasts = np.flatnonzero(groups & _MORE == 0)
    if lasts.size == 0 or lasts[-1] != groups.size - 1:
        raise MaskError("the COCO RLE string ends in the middle of a number: it was cut off")
    n_groups = np.diff(lasts, prepend=-1)
    if n_groups.max() > _MAX_GROUPS:
        raise MaskError(
            f"the COCO RLE string has a number of {n_groups.max()} characters, where at most {_MAX_GROUPS} "
            "make sense: it is damaged or no COCO RLE"
        )
    firsts = lasts - n_groups + 1
    nth_group = np.arange(groups.size) - np.repeat(firsts, n_groups)
    numbers = np.add.reduceat((groups & 0x1F).astype(np.int64) << _GROUP_SHIFTS[nth_group], firsts)
    is_negative = groups[lasts] & _SIGN != 0
    signed: NDArray[np.int64] = numbers - np.where(is_negative, np.int64(1) << 5 * n_groups, 0)
    return signed
