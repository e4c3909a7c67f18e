import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from sam_backend.errors import ImageError
from sam_backend.predict.deep_colour import find_deep_colour
from sam_backend.predict.picture import decode_picture

RGB = np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype(np.uint8)
RGB[0, 0], RGB[0, 1] = 0, 255  # what is stretched back comes out as it was
TWELVE_BITS = RGB.astype(np.uint16) * 16
KINDS_OF_PNG = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(values: NDArray[np.uint16], *more: bytes) -> bytes:
    height, width, n_channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, KINDS_OF_PNG[n_channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff(values: NDArray[np.number], **options: object) -> bytes:
    height, width, n_bands = values.shape
    size = {"width": width, "height": height, "count": n_bands, "dtype": values.dtype.name}
    with MemoryFile() as file:
        with file.open(driver="GTiff", **({"photometric": "RGB"} | size | options)) as raster:
            raster.write(values.transpose(2, 0, 1))
        return bytes(file.read())


def oriented(data: bytes, orientation: int) -> bytes:
    """A little-endian TIFF, its entry PlanarConfiguration (1, as a reader takes it anyway) made one of Orientation."""
    entry, planar = struct.pack("<HHIHH", 274, 3, 1, orientation, 0), struct.pack("<HHIHH", 284, 3, 1, 1, 0)
    assert data.count(planar) == 1
    return data.replace(planar, entry)


def opacity(top: int) -> NDArray[np.uint16]:
    alpha = np.full((8, 12, 1), top, np.uint16)
    alpha[5, 5:] = 0
    return alpha


COLOUR = {
    "PNG": png(TWELVE_BITS),
    "TIFF": tiff(TWELVE_BITS),
    "BigTIFF": tiff(TWELVE_BITS, bigtiff="YES"),
    "big-endian": tiff(TWELVE_BITS, endianness="BIG"),
    "compressed in tiles": tiff(TWELVE_BITS, compress="deflate", predictor=2, tiled=True, blockxsize=16, blockysize=16),
    "by channel": tiff(TWELVE_BITS, interleave="band"),
    "12 bits": tiff(TWELVE_BITS, nbits=12),
    "signed": tiff(TWELVE_BITS.astype(np.int16) - 99),
    "32 bits": tiff(TWELVE_BITS.astype(np.uint32) * 1000),
    "floats": tiff(RGB.astype(np.float32) / 255),
    "untagged": tiff(TWELVE_BITS, photometric="MINISBLACK"),
    "a fourth band": tiff(np.dstack([TWELVE_BITS, TWELVE_BITS[..., 0] * 0 + 65535])),
}


@pytest.mark.parametrize("data", COLOUR.values(), ids=COLOUR.keys())
def test_channels_are_stretched_together(data: bytes) -> None:
    np.testing.assert_array_equal(decode_picture(data, name="x"), RGB)


def test_colours_keep_their_hue() -> None:
    values = np.full((2, 2, 3), [1000, 2000, 3000], np.uint16)
    values[0, 0], values[0, 1] = 0, 4000
    assert decode_picture(png(values), name="x")[1, 1].tolist() == [64, 128, 191]


ALPHA = {
    "PNG": png(np.dstack([TWELVE_BITS, opacity(65535)])),
    "TIFF": tiff(np.dstack([TWELVE_BITS, opacity(65535)]), alpha="YES"),
    "one colour": png(TWELVE_BITS, chunk(b"tRNS", struct.pack(">HHH", *TWELVE_BITS[5, 5].tolist()))),
}


@pytest.mark.parametrize("data", ALPHA.values(), ids=ALPHA.keys())
def test_what_is_transparent_becomes_white(data: bytes) -> None:
    decoded = decode_picture(data, name="x")
    np.testing.assert_array_equal(decoded[:5], RGB[:5])
    assert decoded[5, 5].tolist() == [255, 255, 255]


def test_half_transparent_colours_are_half_white() -> None:
    alpha = np.full((8, 12, 1), 32768, np.uint16)
    decoded = decode_picture(png(np.dstack([TWELVE_BITS, alpha])), name="x")
    np.testing.assert_allclose(decoded, (RGB + 255.0) / 2, atol=1.5)


def test_what_is_not_seen_has_no_say_in_the_stretch() -> None:
    values = TWELVE_BITS.copy()
    values[5, 5:] = 65535
    np.testing.assert_array_equal(decode_picture(png(np.dstack([values, opacity(65535)])), name="x")[:5], RGB[:5])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_alpha_is_stretched(kind: str) -> None:
    values = np.dstack([TWELVE_BITS[..., 0], opacity(65535)])
    values[0, 0, 0], values[0, 1, 0] = 0, 4080
    data = png(values) if kind == "PNG" else tiff(values, photometric="MINISBLACK", alpha="YES")
    np.testing.assert_array_equal(decode_picture(data, name="x")[1:5], RGB[1:5, :, :1].repeat(3, axis=2))


def test_floats_without_a_value_are_black() -> None:
    values = RGB.astype(np.float32)
    values[3, 3] = np.nan
    decoded = decode_picture(tiff(values), name="x")
    assert decoded[3, 3].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(decoded[4:], RGB[4:])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_orientation_is_applied(kind: str, orientation: int, turns: int) -> None:
    exif = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 274, 3, 1, orientation, 0, 0)
    data = png(TWELVE_BITS, chunk(b"eXIf", exif)) if kind == "PNG" else oriented(tiff(TWELVE_BITS), orientation)
    np.testing.assert_array_equal(decode_picture(data, name="x"), np.rot90(RGB, turns))


LEFT_TO_PILLOW = {
    "8 bits": tiff(RGB),
    "grey PNG": png(TWELVE_BITS[..., :1]),
    "grey TIFF": tiff(TWELVE_BITS[..., :1], photometric="MINISBLACK"),
    "CMYK": tiff(np.dstack([TWELVE_BITS, TWELVE_BITS[..., 0]]), photometric="CMYK"),
    "premultiplied": tiff(np.dstack([TWELVE_BITS, opacity(65535)]), alpha="PREMULTIPLIED"),
    "complex": tiff(TWELVE_BITS.astype(np.complex64)),
    "two bands": tiff(TWELVE_BITS[..., :2], photometric="MINISBLACK"),
    "a cut-off TIFF": tiff(TWELVE_BITS)[:9],
    "a cut-off PNG": png(TWELVE_BITS)[:20],
    "no picture": b"text",
}


@pytest.mark.parametrize("data", LEFT_TO_PILLOW.values(), ids=LEFT_TO_PILLOW.keys())
def test_all_else_is_left_to_pillow(data: bytes) -> None:
    assert find_deep_colour(data) is None


@pytest.mark.parametrize("data", [png(TWELVE_BITS), tiff(TWELVE_BITS)], ids=["PNG", "TIFF"])
def test_damage_is_said(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"cat is a damaged picture"):
        decode_picture(data[: len(data) // 2], name="cat")


@pytest.mark.parametrize("data", [png(TWELVE_BITS), tiff(TWELVE_BITS)], ids=["PNG", "TIFF"])
def test_too_many_pixels_are_refused_before_decoding(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match="it has 12 x 8"):
        decode_picture(data, name="x", max_pixels=90)
