import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.tracing import mask_tracer
from sam_backend.predict.tracing.mask_tracer import MaskTracer, TracedMask
from sam_backend.predict.tracing.plain_tracer import trace_plainly

MODEL_SIZES = {64: 16, 1024: 256}  # low-res size by the network's


@st.composite
def logit_stacks(draw: st.DrawFn, size: int) -> NDArray[np.float32]:
    """Logits from noise to smooth blobs, of every steepness, around any level."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_masks = draw(st.integers(1, 6))
    coarse = draw(st.sampled_from([2, 5, size // 4, size]))
    noise = torch.from_numpy(rng.normal(size=(1, n_masks, coarse, coarse)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(noise, (size, size), mode="bicubic")[0].numpy()
    scale, shift = draw(st.sampled_from([0.3, 2.0, 30.0])), draw(st.sampled_from([-20.0, -1.0, 0.0, 1.0, 20.0]))
    return (smooth * np.float32(scale) + np.float32(shift)).astype(np.float32)


@st.composite
def crops(draw: st.DrawFn) -> tuple[ImageFrame, NDArray[np.float32], dict[str, tuple[int, int]]]:
    model_size = draw(st.sampled_from(list(MODEL_SIZES)))
    longest = draw(st.sampled_from([3, 40, 150, 400]))
    height, width = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    left, top, right, bottom = (draw(st.sampled_from([0, 0, 7])) for _ in range(4))
    place = {"left_top_xy": (left, top), "image_hw": (top + height + bottom, left + width + right)}
    logits = draw(logit_stacks(MODEL_SIZES[model_size]))
    return ImageFrame((height, width), model_size), logits, place


def assert_equal_but_for_rounding(
    ours: TracedMask, plain: TracedMask, logits: NDArray[np.float32], left_top_xy: tuple[int, int], offset: float
) -> None:
    """The same pixels, where the logit isn't within 1e-4 of the threshold; the same counts likewise."""
    height, width = logits.shape
    left, top = left_top_xy
    box = (left, top, left + width, top + height)
    differs = ours.runs.to_window(box) != plain.runs.to_window(box)
    assert np.abs(logits[differs]).max(initial=0) < 1e-4
    n_doubtful = sum(np.count_nonzero(np.abs(logits - level) < 1e-4) for level in (-offset, offset))
    if n_doubtful == 0:
        np.testing.assert_array_equal(ours.stability_score, plain.stability_score)
    if not differs.any():
        np.testing.assert_array_equal(ours.runs.edges, plain.runs.edges)


@settings(max_examples=60)
@given(crop=crops(), offset=st.sampled_from([0.0, 1.0, 4.0]))
def test_masks_of_any_logits_and_shape_equal_the_plain_ones(
    crop: tuple[ImageFrame, NDArray[np.float32], dict[str, tuple[int, int]]], offset: float
) -> None:
    frame, low_res_logits, place = crop
    tracer = MaskTracer.of_crop(frame, low_res_logits.shape[1], stability_offset=offset, **place)
    ours = list(tracer.trace(low_res_logits))
    plain = list(trace_plainly(low_res_logits, frame, stability_offset=offset, **place))
    full = frame.low_res_to_image_logits(torch.from_numpy(low_res_logits)).numpy()
    assert [one.index for one in ours] == [one.index for one in plain]
    for mine, theirs, logits in zip(ours, plain, full, strict=True):
        assert mine.runs.image_hw == theirs.runs.image_hw
        assert_equal_but_for_rounding(mine, theirs, logits, place["left_top_xy"], offset)


WHOLE = {"left_top_xy": (0, 0), "image_hw": (300, 450)}


def noise_and_blobs() -> NDArray[np.float32]:
    logits = np.random.default_rng(0).normal(size=(6, 256, 256)).astype(np.float32)
    logits[::2, 40:90, 60:200] += 20
    return logits


def test_masks_taken_one_by_one_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tracer = MaskTracer.of_crop(ImageFrame((300, 450), 1024), 256, **WHOLE)
    together = list(tracer.trace(noise_and_blobs()))
    monkeypatch.setattr(mask_tracer, "BLOCKS_PX_AT_ONCE", 1)
    for one, other in zip(tracer.trace(noise_and_blobs()), together, strict=True):
        assert (one.index, one.stability_score) == (other.index, other.stability_score)
        np.testing.assert_array_equal(one.runs.edges, other.runs.edges)


@pytest.mark.parametrize("at_once", [1, 2**30], ids=["one by one", "together"])
def test_unstable_masks_are_left_away(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_tracer, "BLOCKS_PX_AT_ONCE", at_once)
    tracer = MaskTracer.of_crop(ImageFrame((300, 450), 1024), 256, **WHOLE)
    scores = [traced.stability_score for traced in tracer.trace(noise_and_blobs())]
    limit = float(np.sort(scores)[3])
    kept = {traced.index for traced in tracer.trace(noise_and_blobs(), min_stability=limit)}
    assert kept == set(np.flatnonzero(np.array(scores) >= limit).tolist())
    assert list(tracer.trace(noise_and_blobs(), min_stability=1.1)) == []


def test_a_mask_without_pixels_has_no_runs_and_no_stability() -> None:
    tracer = MaskTracer.of_crop(ImageFrame((300, 450), 1024), 256, **WHOLE)
    (traced,) = tracer.trace(np.full((1, 256, 256), -9, np.float32))
    assert traced.runs.edges.size == 0
    assert np.isnan(traced.stability_score)


@pytest.mark.parametrize("image_hw", [(3000, 31), (40, 2600)], ids=["tall", "wide"])
def test_pictures_with_long_pieces_equal_the_plain_ones(image_hw: tuple[int, int]) -> None:
    frame, logits = ImageFrame(image_hw, 64), noise_and_blobs()[:3, 30:46, 50:66].copy()
    place = {"left_top_xy": (0, 0), "image_hw": image_hw}
    ours = MaskTracer.of_crop(frame, 16, **place).trace(logits)
    full = frame.low_res_to_image_logits(torch.from_numpy(logits)).numpy()
    for mine, plain, one in zip(ours, trace_plainly(logits, frame, **place), full, strict=True):
        assert_equal_but_for_rounding(mine, plain, one, (0, 0), offset=1.0)
