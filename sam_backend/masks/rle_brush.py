"""Label Studio's brush RLE: the RGBA picture of a mask, row by row, in the bit stream of @thi.ng/rle-pack.

Header: 32 bits, the number of values; 5 bits, a value's width - 1; four times 4 bits, the widths - 1 a run's length may
take. Then the runs: 1 bit, "one value repeated" or "values listed"; 2 bits, which of the four widths; the length - 1 in
that width; the value, or all of them. Zero bits fill up the last byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import MaskError
from sam_backend.masks.check import check_mask, checked_hw
from sam_backend.masks.runs import run_lengths

_CHANNELS = 4
_WORD_BITS = 8
_HEADER_BITS = 32 + 5 + 4 * 4
_KIND_BITS = 1 + 2  # repeated or listed, and which width
_REPEATED = 0b100
_LENGTH_BITS = np.array([3, 4, 8, 16], np.int64)
_LONGEST_BY_WIDTH = 1 << _LENGTH_BITS
_LONGEST = 1 << 16


def encode_brush_rle(mask: NDArray[np.bool_]) -> list[int]:
    """Write a (h, w) mask, True = object, as the bytes ``label_studio_sdk.converter.brush.mask2rle`` writes.

    Raises:
        MaskError: ``mask`` is no (h, w) array of bool.
    """
    check_mask(mask)
    pixels = mask.ravel()
    lengths = _CHANNELS * run_lengths(pixels)
    is_object = (np.arange(lengths.size) % 2 == 1) ^ pixels[0]
    header_bits = _header_bits(_CHANNELS * pixels.size)
    run_bits = _run_bits(lengths, np.where(is_object, 255, 0))
    n_filling = 8 - (header_bits.size + run_bits.size) % 8  # a whole byte where none is needed: so does the SDK
    bits = np.concatenate([header_bits, run_bits, np.zeros(n_filling, np.uint8)])
    encoded: list[int] = np.packbits(bits).tolist()
    return encoded


def decode_brush_rle(rle: Sequence[int], image_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Read a mask (h, w): True where the picture's alpha isn't 0, whoever encoded it (the editor lists values too).

    Args:
        rle: the bytes, as ``value.rle`` of a Label Studio region has them.
        image_hw: height and width of the picture; the RLE itself doesn't know them.

    Raises:
        MaskError: the RLE is damaged or cut off, or isn't of a picture of ``image_hw``.
    """
    h, w = checked_hw(image_hw)
    data = _checked_bytes(rle)
    header = _Header.read(data)
    n_values = _CHANNELS * h * w
    if header.n_values != n_values:
        raise MaskError(
            f"the brush RLE holds {header.n_values} values, but a picture of {h} x {w} has {n_values}: "
            "it was drawn on a picture of another size or is damaged"
        )
    lengths, words = _read_runs(data, header.length_bits)
    ends = np.cumsum(lengths)
    last = int(np.searchsorted(ends, n_values))
    if last == ends.size or ends[last] != n_values:
        raise MaskError(
            f"the brush RLE's runs don't end at {n_values} values, as a picture of {h} x {w} needs: "
            "it is cut off or damaged"
        )
    ends_px = (
        ends[: last + 1] // _CHANNELS
    )  # alpha is a pixel's last value, so it belongs to the run that ends the pixel
    return np.repeat(words[: last + 1] > 0, np.diff(ends_px, prepend=0)).reshape(h, w)


def _header_bits(n_values: int) -> NDArray[np.uint8]:
    fields = [(n_values, 32), (_WORD_BITS - 1, 5), *((int(width) - 1, 4) for width in _LENGTH_BITS)]
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    return np.array([int(bit) for bit in text], np.uint8)


def _run_bits(lengths: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.uint8]:
    """One bit per element: every run as a "repeated" one, those beyond the longest in pieces."""
    n_pieces = (lengths - 1) // _LONGEST + 1
    piece_lengths = np.full(n_pieces.sum(), _LONGEST, np.int64)
    piece_lengths[np.cumsum(n_pieces) - 1] = lengths - (n_pieces - 1) * _LONGEST
    width_index = np.searchsorted(_LONGEST_BY_WIDTH[:-1], lengths)  # of the whole run: a short rest stays wide
    width_index, words = np.repeat(width_index, n_pieces), np.repeat(words, n_pieces)
    length_bits = _LENGTH_BITS[width_index]
    codes = ((_REPEATED | width_index) << length_bits | (piece_lengths - 1)) << _WORD_BITS | words
    return _concatenated_bits(codes, _KIND_BITS + length_bits + _WORD_BITS)


def _concatenated_bits(codes: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.uint8]:
    left_aligned = (codes << (32 - widths)).astype(">u4")
    grid = np.unpackbits(left_aligned.view(np.uint8).reshape(-1, 4), axis=1)  # (n, 32)
    return grid[np.arange(32) < widths[:, None]]


def _checked_bytes(rle: Sequence[int]) -> bytes:
    if isinstance(rle, str) or not isinstance(rle, Sequence):
        raise MaskError(f"a brush RLE is a list of bytes, got {type(rle).__name__}")
    try:
        return bytes(rle)
    except (TypeError, ValueError):
        raise MaskError("a brush RLE is a list of integers from 0 to 255, got other things in it") from None


@dataclass(frozen=True, slots=True)
class _Header:
    n_values: int
    length_bits: tuple[int, ...]

    @classmethod
    def read(cls, data: bytes) -> _Header:
        if 8 * len(data) < _HEADER_BITS:
            raise MaskError(f"a brush RLE has at least 7 bytes, got {len(data)}: it is cut off or no brush RLE")
        bits = int.from_bytes(data[:7], "big") >> (56 - _HEADER_BITS)
        word_bits = (bits >> 16 & 0x1F) + 1
        if word_bits != _WORD_BITS:
            raise MaskError(f"the brush RLE has values of {word_bits} bits, where a picture has 8: it is damaged")
        return cls(n_values=bits >> 21, length_bits=tuple((bits >> shift & 0xF) + 1 for shift in (12, 8, 4, 0)))


def _read_runs(data: bytes, length_bits: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths and values of all runs, the stream's filling perhaps among them; a listed value is a run of its own."""
    padded = np.frombuffer(data + bytes(4), np.uint8).astype(np.int64)
    run_at = _run_positions(data, length_bits)
    kinds = _bits_at(padded, run_at, np.array(_KIND_BITS))
    is_repeated = kinds >= _REPEATED
    widths = np.array(length_bits)[kinds % _REPEATED]
    lengths = _bits_at(padded, run_at + _KIND_BITS, widths) + 1
    n_words = np.where(is_repeated, 1, lengths)
    nth_word = np.arange(n_words.sum()) - np.repeat(np.cumsum(n_words) - n_words, n_words)
    word_at = np.repeat(run_at + _KIND_BITS + widths, n_words) + _WORD_BITS * nth_word
    words = _bits_at(padded, word_at, np.array(_WORD_BITS))
    return np.repeat(np.where(is_repeated, lengths, 1), n_words), words


def _run_positions(data: bytes, length_bits: tuple[int, ...]) -> NDArray[np.int64]:
    """Where each run starts, in bits: the one thing that has to be followed step by step."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    kinds = (bits[:-2] << 2 | bits[1:-1] << 1 | bits[2:]).tobytes()  # the kind, were there a run at this bit
    positions: list[int] = []
    at = _HEADER_BITS
    while at < len(kinds):
        positions.append(at)
        kind = kinds[at]
        width = length_bits[kind % _REPEATED]
        at += _KIND_BITS + width
        at += _WORD_BITS if kind >= _REPEATED else _WORD_BITS * _listed_length(data, at - width, width)
    if at > bits.size:
        positions.pop()  # cut off, or no run but the filling of the last byte
    return np.array(positions, np.int64)


def _listed_length(data: bytes, at: int, width: int) -> int:
    window = int.from_bytes(data[at // 8 : at // 8 + 3].ljust(3, b"\0"), "big")
    return (window >> (24 - at % 8 - width) & ((1 << width) - 1)) + 1


def _bits_at(padded: NDArray[np.int64], at: NDArray[np.int64], width: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of ``width`` bits, at most 16, that start at the bits ``at``."""
    byte = at >> 3
    window = padded[byte] << 16 | padded[byte + 1] << 8 | padded[byte + 2]  # 24 bits
    numbers: NDArray[np.int64] = window >> (24 - (at & 7) - width) & ((1 << width) - 1)
    return numbers
