import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sample_masks import any_mask, disc, noise

from sam_backend.errors import MaskError
from sam_backend.masks.png import decode_mask_png, encode_mask_png


def png_of(picture: Image.Image) -> bytes:
    png = io.BytesIO()
    picture.save(png, format="PNG")
    return png.getvalue()


def test_a_sample_survives_the_round_trip(sample: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(decode_mask_png(encode_mask_png(sample)), sample)


@given(mask=any_mask)
def test_any_mask_survives_the_round_trip(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(decode_mask_png(encode_mask_png(mask)), mask)


def test_large_noise_survives_the_round_trip() -> None:
    mask = noise(1000, 1500)
    np.testing.assert_array_equal(decode_mask_png(encode_mask_png(mask)), mask)


def test_the_file_is_a_palette_of_one_bit_a_pixel() -> None:
    png = encode_mask_png(disc(40, 50, 12.0))
    bit_depth, colour_type = png[24], png[25]  # of the IHDR chunk
    assert (bit_depth, colour_type) == (1, 3)


def test_the_object_is_opaque_white_and_the_background_transparent(sample: NDArray[np.bool_]) -> None:
    with Image.open(io.BytesIO(encode_mask_png(sample))) as picture:
        rgba = np.asarray(picture.convert("RGBA"))
    assert (rgba[sample] == 255).all()
    assert (rgba[~sample] == 0).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_object_is_where_alpha_is_not_zero_whatever_the_colour(mode: str) -> None:
    alpha = np.array([[0, 1, 128, 255]], np.uint8)
    channels = [np.array([[255, 0, 255, 0]], np.uint8)] * (len(mode) - 1) + [alpha]
    picture = Image.fromarray(np.dstack(channels))
    assert picture.mode == mode
    assert decode_mask_png(png_of(picture)).tolist() == [[False, True, True, True]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16], ids=["grey", "grey-16-bit"])
def test_one_transparent_grey_is_alpha_too(dtype: type) -> None:
    png = io.BytesIO()
    Image.fromarray(np.array([[7, 0, 7]], dtype)).save(png, format="PNG", transparency=7)
    assert decode_mask_png(png.getvalue()).tolist() == [[False, True, False]]


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_a_png_without_alpha_is_refused_and_says_so(mode: str) -> None:
    with pytest.raises(MaskError, match=rf"mode {mode}\) has no alpha.*save it with a transparent background"):
        decode_mask_png(png_of(Image.new(mode, (4, 3))))


def with_chunk(png: bytes, kind: bytes, content: bytes, at: int = 8) -> bytes:
    """A PNG with one more chunk, whose checksum is right."""
    chunk = kind + content
    return png[:at] + struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[at:]


WHOLE = encode_mask_png(noise(90, 90))
DAMAGED = {
    "empty": b"",
    "text": b"no picture at all",
    "cut-in-the-pixels": WHOLE[:300],
    "cut-in-the-header": WHOLE[:20],
    "changed-in-the-header": WHOLE[:17] + b"\xff" + WHOLE[18:],
    "header-too-short": with_chunk(WHOLE, b"IHDR", b"\0\0\0\5"),
    "gamma-after-the-pixels": with_chunk(WHOLE, b"gAMA", b"\0", at=-12),
    "profile-after-the-pixels": with_chunk(WHOLE, b"iCCP", b"name\0", at=-12),
    "jpeg": b"\xff\xd8\xff\xe0" + WHOLE[4:],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_no_whole_png_is_refused(data: bytes) -> None:
    with pytest.raises(MaskError, match=f"a mask of {len(data)} bytes is no PNG or a damaged one"):
        decode_mask_png(data)


@given(
    kind=st.sampled_from([b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"gAMA", b"cHRM", b"pHYs", b"iTXt", b"tEXt", b"IDAT"]),
    content=st.binary(max_size=30),
    at=st.sampled_from([8, 33, -12]),
)
def test_whatever_a_chunk_says_there_is_a_mask_or_one_kind_of_error(kind: bytes, content: bytes, at: int) -> None:
    with suppress(MaskError):
        assert decode_mask_png(with_chunk(WHOLE, kind, content, at)).dtype == np.bool_
