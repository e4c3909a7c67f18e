import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_brush_golden import COMPUTED, DRAWN, GOLDEN, computed_mask, drawn_mask
from numpy.typing import NDArray
from sample_masks import SAMPLES, any_mask, masks_of_long_runs, noise

from sam_backend.errors import MaskError
from sam_backend.masks.rle_brush import decode_brush_rle, encode_brush_rle

OFFICIAL = json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_mask_is_written_as_by_label_studio_and_read_back(name: str) -> None:
    official, mask = OFFICIAL["drawn"][name], drawn_mask(DRAWN[name])
    assert official["rows"] == DRAWN[name]
    assert encode_brush_rle(mask) == official["rle"]
    np.testing.assert_array_equal(decode_brush_rle(official["rle"], mask.shape), mask)


@pytest.mark.parametrize("name", COMPUTED)
def test_a_computed_mask_is_written_as_by_label_studio(name: str) -> None:
    encoded = bytes(encode_brush_rle(computed_mask(name)))
    assert hashlib.sha256(encoded).hexdigest() == OFFICIAL["computed_sha256"][name]


SDK_ENCODE = """
import json, sys
import numpy as np
from label_studio_sdk.converter.brush import mask2rle

with np.load(sys.argv[1]) as masks:
    json.dump([mask2rle(masks[name].astype(np.uint8) * 255) for name in masks.files], sys.stdout)
"""


def random_masks(n: int) -> list[NDArray[np.bool_]]:
    rng = np.random.default_rng(23)
    sides = rng.integers(1, 60, (n, 2))
    stretches = rng.choice([1, 1, 7, 90], n)
    return [np.repeat(rng.random((h, w)) < rng.random(), s, axis=1) for (h, w), s in zip(sides, stretches, strict=True)]


@pytest.mark.skipif("SDK_PYTHON" not in os.environ, reason="SDK_PYTHON names no Python that has label_studio_sdk")
def test_random_masks_are_written_as_by_the_sdk_run_live(tmp_path: Path) -> None:
    masks = [*SAMPLES.values(), *random_masks(300), noise(1000, 1500)]
    np.savez(tmp_path / "masks.npz", *masks)
    sdk_command = [os.environ["SDK_PYTHON"], "-c", SDK_ENCODE, str(tmp_path / "masks.npz")]
    sdk = subprocess.run(sdk_command, capture_output=True, check=True)
    for mask, official in zip(masks, json.loads(sdk.stdout), strict=True):
        assert encode_brush_rle(mask) == official
        np.testing.assert_array_equal(decode_brush_rle(official, mask.shape), mask)


def test_a_sample_survives_the_round_trip(sample: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(decode_brush_rle(encode_brush_rle(sample), sample.shape), sample)


@given(mask=any_mask | masks_of_long_runs())
def test_any_mask_survives_the_round_trip(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(decode_brush_rle(encode_brush_rle(mask), mask.shape), mask)


def test_large_noise_survives_the_round_trip() -> None:
    mask = noise(1000, 1500)
    np.testing.assert_array_equal(decode_brush_rle(encode_brush_rle(mask), mask.shape), mask)


def test_the_order_of_axes_in_memory_does_not_matter() -> None:
    mask = noise(30, 40)
    assert encode_brush_rle(np.asfortranarray(mask)) == encode_brush_rle(mask)


def test_the_bytes_are_plain_integers_ready_for_json() -> None:
    encoded = encode_brush_rle(SAMPLES["holed"])
    assert json.loads(json.dumps(encoded)) == encoded


class RlePack:
    """The format written bit by bit, with all it allows: listed values, any four widths."""

    def __init__(self, n_values: int, length_bits: tuple[int, ...] = (3, 4, 8, 16), word_bits: int = 8) -> None:
        self.length_bits = length_bits
        self.bits = f"{n_values:032b}{word_bits - 1:05b}" + "".join(f"{width - 1:04b}" for width in length_bits)

    def add(self, values: list[int], *, width_index: int, repeated: int = 0) -> None:
        length = f"{(repeated or len(values)) - 1:0{self.length_bits[width_index]}b}"
        self.bits += f"{repeated > 0:b}{width_index:02b}{length}" + "".join(f"{value:08b}" for value in values)

    def to_list(self) -> list[int]:
        bits = self.bits + "0" * (-len(self.bits) % 8)
        return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


@given(data=st.data())
def test_what_other_encoders_may_write_is_read_by_its_alpha(data: st.DataObject) -> None:
    length_bits = tuple(data.draw(st.lists(st.integers(1, 16), min_size=4, max_size=4)))
    n_px = data.draw(st.integers(1, 30))
    rgba = data.draw(st.lists(st.sampled_from([0, 1, 255]), min_size=4 * n_px, max_size=4 * n_px))
    pack, at = RlePack(len(rgba), length_bits), 0
    while at < len(rgba):
        width_index = data.draw(st.integers(0, 3))
        longest = min(len(rgba) - at, 2 ** length_bits[width_index])
        n_equal = next((n for n in range(1, longest) if rgba[at + n] != rgba[at]), longest)
        if data.draw(st.booleans()):
            pack.add([rgba[at]], width_index=width_index, repeated=n_equal)
            at += n_equal
        else:
            n_listed = data.draw(st.integers(1, longest))
            pack.add(rgba[at : at + n_listed], width_index=width_index)
            at += n_listed
    alpha = np.array(rgba).reshape(1, -1, 4)[..., 3]
    np.testing.assert_array_equal(decode_brush_rle(pack.to_list(), alpha.shape), alpha > 0)


def test_only_alpha_decides() -> None:
    pack = RlePack(8)
    pack.add([255, 255, 255, 0, 0, 0, 0, 1], width_index=0)
    assert decode_brush_rle(pack.to_list(), (1, 2)).tolist() == [[False, True]]


def test_bytes_after_the_last_run_do_no_harm() -> None:
    encoded = encode_brush_rle(SAMPLES["holed"])
    np.testing.assert_array_equal(decode_brush_rle([*encoded, 0, 0, 200, 9], (5, 6)), SAMPLES["holed"])


def test_an_rle_given_as_bytes_is_read() -> None:
    encoded = bytes(encode_brush_rle(SAMPLES["holed"]))
    np.testing.assert_array_equal(decode_brush_rle(encoded, (5, 6)), SAMPLES["holed"])


def overlong() -> list[int]:
    pack = RlePack(8)
    pack.add([255], width_index=1, repeated=9)
    return pack.to_list()


HOLED = encode_brush_rle(SAMPLES["holed"])
DAMAGED = {
    "none": (None, "a list of bytes, got NoneType"),
    "number": (7, "a list of bytes, got int"),
    "text": ("AAAA", "a list of bytes, got str"),
    "too-large-byte": ([0, 256], "integers from 0 to 255"),
    "negative-byte": ([0, -1], "integers from 0 to 255"),
    "floats": ([0.5], "integers from 0 to 255"),
    "empty": ([], "at least 7 bytes, got 0"),
    "half-a-header": (HOLED[:6], "at least 7 bytes, got 6"),
    "header-only": (HOLED[:7], "don't end at 120 values"),
    "cut-in-the-runs": (HOLED[:12], "don't end at 120 values.*cut off or damaged"),
    "16-bit-values": (RlePack(120, word_bits=16).to_list(), "values of 16 bits, where a picture has 8"),
    "other-picture": (encode_brush_rle(SAMPLES["full"]), "holds 140 values, but a picture of 5 x 6 has 120"),
}


@pytest.mark.parametrize(("rle", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_named(rle: object, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        decode_brush_rle(rle, (5, 6))


def test_a_run_over_the_pictures_end_is_refused() -> None:
    with pytest.raises(MaskError, match="don't end at 8 values"):
        decode_brush_rle(overlong(), (1, 2))


@given(tail=st.binary(max_size=20))
def test_any_bytes_after_a_header_are_read_or_refused_with_a_mask_error(tail: bytes) -> None:
    try:
        mask = decode_brush_rle([*HOLED[:7], *tail], (5, 6))
    except MaskError:
        return
    assert mask.shape == (5, 6)
