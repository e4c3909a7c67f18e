import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam_backend.errors import RequestError
from sam_backend.service.try_page.low_res_png import decode_low_res, encode_low_res


def _png(mode: str, size: tuple[int, int], form: str = "PNG") -> str:
    file = io.BytesIO()
    Image.new(mode, size).save(file, form)
    return base64.b64encode(file.getvalue()).decode()


@given(st.lists(st.floats(-31.75, 31.75, width=32), min_size=6, max_size=6))
def test_logits_come_back_within_an_eighth(values: list[float]) -> None:
    logits = np.array(values, np.float32).reshape(2, 3)
    decoded = decode_low_res(encode_low_res(logits))
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, logits, atol=0.125)


def test_logits_beyond_the_range_are_cut() -> None:
    decoded = decode_low_res(encode_low_res(np.array([[-1e6, 1e6, 0]], np.float32)))
    assert decoded.tolist() == [[-32, 31.75, 0]]


def test_smooth_logits_take_a_tenth_of_their_floats() -> None:
    y, x = np.mgrid[:256, :256].astype(np.float32)
    logits = 20 - np.hypot(x - 100, y - 140) / 4
    assert len(encode_low_res(logits)) < logits.nbytes / 10


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("AAAA", id="no PNG"),
        pytest.param("é", id="not ASCII"),
        pytest.param("A", id="damaged base64"),
        pytest.param(_png("RGB", (8, 8)), id="in colour"),
        pytest.param(_png("L", (5000, 5000)), id="too large"),
        pytest.param(_png("L", (8, 8), "BMP"), id="another format"),
        pytest.param(_png("L", (8, 8))[:60], id="cut off"),
    ],
)
def test_what_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="'previous' is damaged"):
        decode_low_res(text)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_text_is_a_fault(noise: bytes, kept: int) -> None:
    png = base64.b64decode(_png("L", (8, 8)))
    try:
        decode_low_res(base64.b64encode(png[:kept] + noise).decode())
    except RequestError:
        return
