import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_backend.errors import ImageError
from sam_backend.predict.picture import decode_picture, read_picture, stretch_to_uint8

RGB = np.dstack([np.tile(np.arange(0, 240, 20, np.uint8), (8, 1))] * 3)
RGB[:4] //= 2  # no symmetry, so that a wrong turn shows


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "CMYK", "1"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    source = Image.fromarray(RGB).convert(mode)
    decoded = decode_picture(encoded(source, kind), name="x")
    assert decoded.shape == (8, 12, 3)
    assert decoded.dtype == np.uint8
    np.testing.assert_allclose(decoded.astype(int), np.asarray(source.convert("RGB")).astype(int), atol=2)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_pictures_are_stretched(dtype: type) -> None:
    values = np.linspace(100, 4095, 96).reshape(8, 12).astype(dtype)
    decoded = decode_picture(encoded(Image.fromarray(values), "TIFF"), name="x")
    assert decoded.min() == 0
    assert decoded.max() == 255
    assert (np.diff(decoded[0, :, 0].astype(int)) > 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    turned = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.swapaxes(0, 1),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(RGB),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode_picture(encoded(Image.fromarray(RGB), exif=exif), name="x"), turned)


UPSIDE_DOWN = struct.pack("<HHIHH", 0x0112, 3, 1, 3, 0)
ODD_ENTRIES = {
    "a pointer in letters": struct.pack("<HHI4s", 0x8769, 2, 3, b"ab"),
    "a pointer to two numbers": struct.pack("<HHIHH", 0x8769, 3, 2, 1, 1),
    "a pointer that is a fraction": struct.pack("<HHIIIII", 0x8769, 5, 1, 38, 0, 1, 2),
}
KINDS = ["JPEG", "PNG", "WEBP"]


def exif_of(*entries: bytes, magic: bytes = b"II*\0") -> bytes:
    return b"Exif\0\0" + magic + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("entry", ODD_ENTRIES.values(), ids=ODD_ENTRIES.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_odd_exif_turns_a_picture_all_the_same(kind: str, entry: bytes) -> None:
    options = {"exif": exif_of(UPSIDE_DOWN, entry), "lossless": True}
    decoded = decode_picture(encoded(Image.fromarray(RGB), kind, **options), name="x")
    np.testing.assert_allclose(decoded.astype(int), RGB[::-1, ::-1].astype(int), atol=40 if kind == "JPEG" else 0)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", KINDS)
def test_exif_that_cannot_be_read_turns_nothing(kind: str) -> None:
    for exif in (exif_of(UPSIDE_DOWN, magic=b"II?\0"), exif_of(UPSIDE_DOWN)[:20]):
        options = {"exif": exif, "lossless": True}
        decoded = decode_picture(encoded(Image.fromarray(RGB), kind, **options), name="x")
        np.testing.assert_allclose(decoded.astype(int), RGB.astype(int), atol=40 if kind == "JPEG" else 0)


def test_any_failure_of_a_decoder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise NotImplementedError("pixel format 7")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(ImageError, match=r"cat\.png is a damaged picture \(pixel format 7\)"):
        decode_picture(encoded(Image.fromarray(RGB)), name="cat.png")


def test_transparency_becomes_white() -> None:
    rgba = np.dstack([RGB, np.full((8, 12), 255, np.uint8)])
    rgba[2, 3, 3] = 0
    decoded = decode_picture(encoded(Image.fromarray(rgba)), name="x")
    assert decoded[2, 3].tolist() == [255, 255, 255]
    assert decoded[5, 5].tolist() == RGB[5, 5].tolist()


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_what_is_no_picture_is_said(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"cat\.png is (no picture that can be read|a damaged picture)"):
        decode_picture(data, name="cat.png")


def test_a_cut_off_picture_is_said() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise))
    with pytest.raises(ImageError, match=r"cat\.png is a damaged picture"):
        decode_picture(data[: len(data) // 2], name="cat.png")


def test_too_many_pixels_are_refused_before_decoding() -> None:
    with pytest.raises(ImageError, match=r"more than the 9e-05 megapixels allowed.*; it has 12 x 8"):
        decode_picture(encoded(Image.fromarray(RGB)), name="x", max_pixels=90)


def test_a_decompression_bomb_is_refused() -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    with pytest.raises(ImageError, match="megapixels allowed"):
        decode_picture(bomb, name="bomb.png")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nothing\.png can't be opened: No such file"):
        read_picture(tmp_path / "nothing.png")


def test_stretching_survives_odd_values() -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 1.0, 3.0]])
    assert stretch_to_uint8(values).tolist() == [[0, 255, 0, 0, 255]]
    assert stretch_to_uint8(np.full((2, 2), np.nan)).tolist() == [[0, 0], [0, 0]]
    assert stretch_to_uint8(np.full((1, 2), 7.0)).tolist() == [[0, 0]]
