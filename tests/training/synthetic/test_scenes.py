from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam_backend.training.sample import Sample, mask_box_xyxy
from sam_backend.training.synthetic import shapes, textures
from sam_backend.training.synthetic.crowds import paint_lattice, paint_tissue
from sam_backend.training.synthetic.layers import Canvas
from sam_backend.training.synthetic.nesting import Painted, paint_parts, paint_thing, paint_whole
from sam_backend.training.synthetic.scenes import GeneratedScenes

few = settings(max_examples=12)
seeds = st.integers(0, 10_000)
ALL_SHAPES = (
    shapes.blob,
    shapes.disc,
    shapes.holed_blob,
    shapes.box,
    shapes.corners,
    shapes.angled,
    shapes.star,
    shapes.crescent,
    shapes.ring,
    shapes.rod,
    shapes.worm,
    shapes.tree,
    shapes.bunch,
)


def draw(seed: int, window_px: int = 96, max_masks: int = 6) -> Sample:
    return GeneratedScenes().draw(np.random.default_rng(seed), window_px=window_px, max_masks=max_masks)


def blank(side_px: int = 96) -> Canvas:
    return Canvas(np.zeros((side_px, side_px, 3), np.float32))


def test_scenes_repeat_with_their_seed() -> None:
    first, again, other = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert not np.array_equal(first.image, other.image)


@few
@given(seed=seeds, window_px=st.sampled_from([48, 64, 96]), max_masks=st.integers(1, 8))
def test_scenes_have_the_asked_size_and_no_empty_mask(seed: int, window_px: int, max_masks: int) -> None:
    sample = draw(seed, window_px, max_masks)
    assert sample.image.shape == (window_px, window_px, 3)
    assert sample.image.dtype == np.uint8
    assert sample.masks.shape[1:] == (window_px, window_px)
    assert 1 <= len(sample.masks) <= max_masks
    assert sample.masks.any(axis=(1, 2)).all()


def test_sizes_spread_over_the_octaves() -> None:
    sides_px = []
    for seed in range(20):
        for mask in draw(seed, 128).masks:
            box_xyxy = mask_box_xyxy(mask)
            sides_px.append(float((box_xyxy[2:] - box_xyxy[:2]).max()))
    shares = np.histogram(sides_px, bins=[0, 12, 24, 48, 128])[0] / len(sides_px)
    assert (shares > 0.07).all()


def test_scenes_hold_parts_inside_of_parts() -> None:
    n_levels = []
    for seed in range(12):
        canvas = blank()
        rng = np.random.default_rng(seed)
        cover = shapes.draw_cover(shapes.disc, 80, shapes.Pose(turn_rad=0, squeeze=1), rng)
        paint_parts(canvas, paint_whole(canvas, cover, 48, 48, rng), depth=1, rng=rng)
        n_levels.append(_n_levels(canvas.masks(canvas.visible_numbers())))
    assert max(n_levels) >= 3


@few
@given(seed=seeds)
def test_masks_of_one_thing_nest_or_keep_apart(seed: int) -> None:
    canvas = blank()
    paint_thing(canvas, 80, 48, 48, np.random.default_rng(seed))
    masks = canvas.masks(canvas.visible_numbers())
    for one in masks:
        for other in masks:
            shared = (one & other).sum()
            assert shared in (0, one.sum(), other.sum())


@few
@given(seed=seeds)
def test_parts_stay_inside_of_their_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = blank()
    cover = shapes.draw_cover(shapes.random_compact_shape(rng), 70, shapes.random_pose(rng), rng)
    whole: Painted = paint_whole(canvas, cover, 48, 48, rng)
    before = canvas.topmost == whole.number
    paint_parts(canvas, whole, depth=1, rng=rng)
    np.testing.assert_array_equal(canvas.topmost > 0, before)
    np.testing.assert_array_equal(canvas.masks(np.array([whole.number]))[0], before)


@pytest.mark.parametrize("paint", [paint_lattice, paint_tissue], ids=["lattice", "tissue"])
def test_crowds_are_many(paint: Callable[[Canvas, np.random.Generator], None]) -> None:
    counts = []
    for seed in range(8):
        canvas = blank()
        paint(canvas, np.random.default_rng(seed))
        counts.append(len(canvas.visible_numbers()))
    assert np.median(counts) > 10


def test_some_tissue_has_cores() -> None:
    most_at_a_pixel = []
    for seed in range(8):
        canvas = blank(128)
        paint_tissue(canvas, np.random.default_rng(seed))
        most_at_a_pixel.append(canvas.masks(canvas.visible_numbers()).sum(axis=0).max())
    assert set(most_at_a_pixel) == {1, 2}


@pytest.mark.parametrize("shape", ALL_SHAPES, ids=lambda shape: shape.__name__)
def test_every_shape_is_seen_at_every_size(shape: shapes.Shape) -> None:
    for seed, side_px in enumerate((8, 20, 60)):
        rng = np.random.default_rng(seed)
        cover = shapes.draw_cover(shape, side_px, shapes.random_pose(rng), rng)
        assert max(cover.shape) <= side_px + 1
        assert 0 <= cover.min() <= cover.max() <= 1
        assert cover.sum() > 4


def test_every_kind_of_shape_is_drawn() -> None:
    rng = np.random.default_rng(0)
    assert {shapes.random_shape(rng) for _ in range(400)} == set(ALL_SHAPES)


@few
@given(seed=seeds, height=st.integers(1, 40), width=st.integers(1, 40))
def test_textures_fill_their_box_with_colours(seed: int, height: int, width: int) -> None:
    surface = textures.draw_texture(height, width, np.random.default_rng(seed))
    assert surface.shape == (height, width, 3)
    assert surface.dtype == np.float32
    assert 0 <= surface.min() <= surface.max() <= 255


@pytest.mark.parametrize("pattern", textures._PATTERNS, ids=lambda pattern: pattern.__name__)
def test_every_pattern_varies_about_nothing(pattern: textures.Pattern) -> None:
    made = pattern(40, 50, np.random.default_rng(3))
    assert made.shape == (40, 50)
    assert made.std() > 0.05
    assert abs(made).max() < 6


def _n_levels(masks: np.ndarray) -> int:
    """The longest chain of masks that lie in each other."""
    ordered = sorted(masks, key=lambda mask: int(mask.sum()))
    depth: list[int] = []
    for index, mask in enumerate(ordered):
        inner = [depth[j] for j in range(index) if ordered[j].sum() < mask.sum() and not (ordered[j] & ~mask).any()]
        depth.append(1 + max(inner, default=0))
    return max(depth, default=0)
