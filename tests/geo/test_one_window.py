import numpy as np
import pytest
from affine import Affine
from raster_factory import UTM_TRANSFORM, MakeRaster

from sam_backend.errors import PromptError, RasterError
from sam_backend.geo.frame import map_to_pixel_xy, pixel_to_map_xy
from sam_backend.geo.one_window import WINDOW_PX, MapPrompts, segment_window
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts

TRANSFORMS = {
    "north up": UTM_TRANSFORM,
    "south up": Affine(0.5, 0, 300_000, 0, 0.5, 5_000_000),
    "degrees": Affine(1e-5, 0, 32.5, 0, -1e-5, 0.3),
}


def map_prompts(
    transform: Affine, points_px: list[list[float]] | None = None, box_px: list[float] | None = None
) -> MapPrompts:
    points = np.array(points_px or [], np.float64).reshape(-1, 2)
    return MapPrompts(
        points_xy=pixel_to_map_xy(points, transform),
        is_foreground=np.ones(len(points), np.bool_),
        box_xyxy=None if box_px is None else pixel_to_map_xy(np.array(box_px).reshape(2, 2), transform).ravel(),
    )


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_small_raster_is_one_window(
    transform: Affine, make_raster: MakeRaster, rgb_bands: np.ndarray, tiny_predictor: Predictor
) -> None:
    crs = "EPSG:4326" if transform.a < 1e-3 else "EPSG:32636"
    prompts = map_prompts(transform, [[30, 20]], [10, 8, 70, 50])
    answer = segment_window(make_raster(rgb_bands, crs, transform), tiny_predictor, prompts, multimask=True)
    embedding = tiny_predictor.embed(rgb_bands.transpose(1, 2, 0))
    alone = tiny_predictor.segment(embedding, Prompts.of([(30, 20, True)], box_xyxy=[10, 8, 70, 50]))
    np.testing.assert_allclose(answer.prediction.low_res_logits, alone.low_res_logits, atol=1e-3)
    assert answer.window.transform == transform


@pytest.mark.parametrize(
    ("box_px", "left_top"),
    [([1400, 900, 1600, 1100], (988, 488)), ([5, 5, 60, 60], (0, 0)), ([2900, 1950, 3000, 2000], (1976, 976))],
    ids=["inside", "at the first corner", "at the last corner"],
)
def test_the_window_lies_around_the_prompts(
    box_px: list[float], left_top: tuple[int, int], make_raster: MakeRaster, tiny_predictor: Predictor
) -> None:
    bands = np.random.default_rng(0).integers(0, 256, (1, 2000, 3000), np.uint8)
    answer = segment_window(
        make_raster(bands), tiny_predictor, map_prompts(UTM_TRANSFORM, box_px=box_px), multimask=False
    )
    assert answer.window.pixels.shape == (WINDOW_PX, WINDOW_PX, 3)
    origin_xy = map_to_pixel_xy(np.array([answer.window.transform.c, answer.window.transform.f]), UTM_TRANSFORM)
    assert tuple(origin_xy) == pytest.approx(left_top)
    left, top = left_top
    np.testing.assert_array_equal(
        answer.window.pixels[..., 0], bands[0, top : top + WINDOW_PX, left : left + WINDOW_PX]
    )


def test_a_mask_never_covers_what_has_no_data(
    make_raster: MakeRaster, rgb_bands: np.ndarray, tiny_predictor: Predictor
) -> None:
    bands = np.maximum(rgb_bands, 1)
    bands[:, :, 45:] = 0
    answer = segment_window(
        make_raster(bands, nodata=0), tiny_predictor, map_prompts(UTM_TRANSFORM, [[30, 20]]), multimask=True
    )
    assert not answer.prediction.masks[:, :, 45:].any()


@pytest.mark.parametrize(
    ("prompts", "error", "sentence"),
    [
        (
            map_prompts(UTM_TRANSFORM, [[-500, 20]]),
            RasterError,
            r"outside the raster, whose bounds are .* \(EPSG:32636\)",
        ),
        (map_prompts(UTM_TRANSFORM, [[20, 5000]]), RasterError, "outside the raster"),
        (map_prompts(UTM_TRANSFORM, box_px=[10, 10, 1600, 300]), RasterError, "span 1590 x 290 px, more than the one"),
        (map_prompts(UTM_TRANSFORM, [[20, 20], [-500, 20]]), PromptError, "lies outside the picture"),
    ],
    ids=["left of it", "below it", "too far apart", "one of two outside"],
)
def test_prompts_that_do_not_fit_are_refused(
    prompts: MapPrompts, error: type[Exception], sentence: str, make_raster: MakeRaster, tiny_predictor: Predictor
) -> None:
    path = make_raster(np.ones((1, 400, 2000), np.uint8))
    with pytest.raises(error, match=sentence):
        segment_window(path, tiny_predictor, prompts, multimask=True)
