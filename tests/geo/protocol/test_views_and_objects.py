"""Objects in views of both kinds: prompts and outlines in map coordinates."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from direct_host import DirectHost
from PIL import Image
from raster_factory import UTM_TRANSFORM, MakeRaster
from scipy import ndimage

from sam_backend.errors import ImageError, PromptError, RasterError, RequestError
from sam_backend.geo.frame import pixel_to_map_xy
from sam_backend.geo.protocol.last_masks import N_OBJECTS, LastMasks
from sam_backend.geo.protocol.perform import perform
from sam_backend.geo.protocol.requests import parse_request
from sam_backend.predict.predictor import Predictor
from sam_backend.types import Prompts

HEIGHT_PX, WIDTH_PX = 80, 120


@pytest.fixture
def bands() -> np.ndarray:
    noise = np.random.default_rng(3).normal(size=(3, HEIGHT_PX, WIDTH_PX))
    return np.clip(128 + 400 * ndimage.gaussian_filter(noise, (0, 6, 6)), 1, 255).astype(np.uint8)


@pytest.fixture
def host(tiny_predictor: Predictor) -> DirectHost:
    return DirectHost(tiny_predictor)


def ask(host: DirectHost, op: str, **fields: object) -> dict[str, Any]:
    return perform(parse_request({"op": op, **fields}), host, lambda _: None, lambda: False)


def picture_of(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def click_at(transform: Affine, *points_px: tuple[float, float]) -> dict[str, object]:
    points_xy = pixel_to_map_xy(np.array(points_px, np.float64), transform)
    return {"points_xy": points_xy.tolist(), "is_foreground": [True] * len(points_px)}


def outline(mask: dict[str, Any]) -> shapely.Geometry:
    return shapely.MultiPolygon([(piece[0], piece[1:]) for piece in mask["polygons"]])


def test_a_view_of_a_raster_is_answered_in_its_map_coordinates(
    host: DirectHost, make_raster: MakeRaster, bands: np.ndarray
) -> None:
    view = {"raster": str(make_raster(bands)), "view_px": [20, 10, 64, 50]}
    answer = ask(host, "object", **view, **click_at(UTM_TRANSFORM, (50, 30)))
    shown = bands[:, 10:60, 20:84].transpose(1, 2, 0)
    alone = host.predictor.segment(host.predictor.embed(shown), Prompts.of([(30, 20, True)]))
    assert answer["best"] == alone.best
    assert [mask["score"] for mask in answer["masks"]] == pytest.approx(alone.predicted_iou.tolist(), abs=1e-3)
    for mask, wanted in zip(answer["masks"], alone.masks, strict=True):
        assert mask["area_px"] == wanted.sum()
        shape = outline(mask)
        assert shape.area == pytest.approx(wanted.sum() / 4)  # pixels of half a metre
        assert shape.is_empty or shapely.box(300_010, 4_999_970, 300_042, 4_999_995).covers(shape)
    assert any(mask["area_px"] for mask in answer["masks"])


@pytest.mark.parametrize(
    "transform",
    [UTM_TRANSFORM, Affine(0, 0.5, 7, 0.5, 0, 9), Affine(0.1, 0.02, -7, 0.03, 0.2, 9)],
    ids=["north up", "turned", "sheared and south up"],
)
def test_a_picture_with_a_transform_is_as_good_as_a_raster(
    transform: Affine, host: DirectHost, bands: np.ndarray
) -> None:
    pixels = bands.transpose(1, 2, 0)
    view = {"picture": picture_of(pixels), "transform": list(transform)[:6]}
    prompts = click_at(transform, (40.5, 30.5), (50.5, 35.5))
    answer = ask(host, "object", **view, **prompts)
    (mask,) = answer["masks"]  # two clicks aren't ambiguous
    wanted = host.predictor.segment(
        host.predictor.embed(pixels), Prompts.of([(40.5, 30.5, True), (50.5, 35.5, True)]), multimask=False
    )
    assert mask["area_px"] == wanted.masks[0].sum() > 0
    shape = outline(mask)
    assert shape.is_valid
    assert shape.area == pytest.approx(wanted.masks[0].sum() * abs(transform.determinant))
    assert all(piece.exterior.is_ccw for piece in shape.geoms)


def test_a_view_that_was_looked_at_is_known_whoever_shows_it(
    host: DirectHost, make_raster: MakeRaster, bands: np.ndarray
) -> None:
    raster = {"raster": str(make_raster(bands)), "view_px": [0, 0, WIDTH_PX, HEIGHT_PX]}
    assert not ask(host, "prefetch", **raster)["was_known"]
    assert ask(host, "prefetch", **raster)["was_known"]
    answer = ask(host, "object", **raster, **click_at(UTM_TRANSFORM, (30, 30)))
    assert answer["was_known"]
    assert answer["decode_s"] > 0
    picture = {"picture": picture_of(bands.transpose(1, 2, 0)), "transform": [1, 0, 0, 0, 1, 0]}
    assert ask(host, "prefetch", **picture)["was_known"]  # the same pixels
    assert not ask(host, "prefetch", **raster | {"view_px": [1, 0, WIDTH_PX, HEIGHT_PX]})["was_known"]
    assert not ask(host, "prefetch", **raster, bands=[1])["was_known"]


def test_a_raster_that_changes_is_seen_anew(host: DirectHost, make_raster: MakeRaster, bands: np.ndarray) -> None:
    view = {"raster": str(make_raster(bands)), "view_px": [0, 0, 64, 64]}
    assert not ask(host, "prefetch", **view)["was_known"]
    make_raster(255 - bands)
    assert not ask(host, "prefetch", **view)["was_known"]


def test_objects_can_be_shown_larger(host: DirectHost, make_raster: MakeRaster, bands: np.ndarray) -> None:
    view = {"raster": str(make_raster(bands)), "view_px": [20, 10, 40, 30], "ground_size": 2}
    answer = ask(host, "object", **view, **click_at(UTM_TRANSFORM, (40, 25), (42, 25)))
    (mask,) = answer["masks"]
    assert outline(mask).area == pytest.approx(mask["area_px"] / 16)  # pixels of a quarter of a metre
    with pytest.raises(RequestError, match="the view has 8000 x 60 px"):
        ask(host, "prefetch", **view | {"view_px": [0, 0, 4000, 30]})


def test_refining_hands_the_last_mask_back_in(host: DirectHost, make_raster: MakeRaster, bands: np.ndarray) -> None:
    view = {"raster": str(make_raster(bands)), "view_px": [0, 0, WIDTH_PX, HEIGHT_PX]}
    first, both = click_at(UTM_TRANSFORM, (40, 30)), click_at(UTM_TRANSFORM, (40, 30), (70, 50))
    embedding = host.predictor.embed(bands.transpose(1, 2, 0))
    seen = host.predictor.segment(embedding, Prompts.of([(40, 30, True)]))
    handed_in = Prompts.of([(40, 30, True), (70, 50, True)], mask_logits=seen.low_res_logits[seen.best])
    refined = host.predictor.segment(embedding, handed_in, multimask=False)
    plain = ask(host, "object", **view, **both)["masks"]
    assert ask(host, "object", **view, **both, object="new", refine=True)["masks"] == plain  # nothing to start from
    ask(host, "object", **view, **first, object="tree")
    ask(host, "object", **view, **first, object="other")
    (mask,) = ask(host, "object", **view, **both, object="tree", refine=True)["masks"]
    assert mask["area_px"] == refined.masks[0].sum()
    assert mask["score"] == pytest.approx(float(refined.predicted_iou[0]), abs=1e-3)
    assert [mask] != plain
    (again,) = ask(host, "object", **view, **both, object="tree", refine=True)["masks"]
    assert again != mask  # it started from the refined one


def test_objects_that_nobody_works_on_are_forgotten() -> None:
    last = LastMasks()
    for index in range(N_OBJECTS + 1):
        last.put("model", "view", str(index), np.full((2, 2), index, np.float32))
    assert last.get("model", "view", "0") is None
    kept = last.get("model", "view", "1")
    assert kept is not None
    assert kept[0, 0] == 1
    assert last.get("model", "other view", "1") is None


def test_a_mask_never_covers_what_the_raster_doesnt_have(
    host: DirectHost, make_raster: MakeRaster, bands: np.ndarray
) -> None:
    view = {"raster": str(make_raster(bands, nodata=0)), "view_px": [-40, -30, WIDTH_PX, HEIGHT_PX]}
    answer = ask(host, "object", **view, box_xyxy=[299_985, 4_999_970, 300_035, 5_000_010])
    (mask,) = answer["masks"]
    assert mask["area_px"] > 0
    assert shapely.box(300_000, 4_999_960, 300_060, 5_000_000).covers(outline(mask))


def test_what_cant_be_answered_says_why(host: DirectHost, make_raster: MakeRaster, bands: np.ndarray) -> None:
    raster = str(make_raster(bands))
    view = {"raster": raster, "view_px": [0, 0, 64, 64]}
    with pytest.raises(RasterError, match="has no data in this view"):
        ask(host, "prefetch", raster=raster, view_px=[5000, 0, 64, 64])
    with pytest.raises(RasterError, match=r"can't be read .*give a file that exists"):
        ask(host, "prefetch", raster="/nowhere.tif", view_px=[0, 0, 64, 64])
    with pytest.raises(PromptError, match="lies outside the picture"):
        ask(host, "object", **view, **click_at(UTM_TRANSFORM, (70, 5)))
    with pytest.raises(PromptError, match="no prompt came"):
        ask(host, "object", **view)
    with pytest.raises(ImageError, match="the picture is no picture"):
        ask(host, "prefetch", picture="aGk=", transform=[1, 0, 0, 0, 1, 0])
    wide = picture_of(np.zeros((2, 4100, 3), np.uint8))
    with pytest.raises(RequestError, match="the view has 4100 x 2 px"):
        ask(host, "prefetch", picture=wide, transform=[1, 0, 0, 0, 1, 0])


def test_a_raster_is_planned_once(
    host: DirectHost, make_raster: MakeRaster, bands: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from sam_backend.geo.protocol import view_book

    planned: list[Path] = []
    plan_reading = view_book.plan_reading

    def counted(path: Path, *rest: Any) -> object:  # noqa: ANN401
        planned.append(path)
        return plan_reading(path, *rest)

    monkeypatch.setattr(view_book, "plan_reading", counted)
    raster = str(make_raster(bands.astype(np.uint16) * 7))
    for left_px, ground_size in ((0, 1), (5, 1), (10, 2), (10, 0.5)):
        ask(host, "prefetch", raster=raster, view_px=[left_px, 0, 64, 64], ground_size=ground_size)
    assert len(planned) == 1, "neither another view nor another size looks at the whole raster again"


def test_the_seconds_of_the_parts_are_within_those_of_the_whole(
    host: DirectHost, make_raster: MakeRaster, bands: np.ndarray
) -> None:
    view = {"raster": str(make_raster(bands)), "view_px": [0, 0, 64, 64]}
    looked = ask(host, "prefetch", **view)
    assert 0 < looked["read_s"] <= looked["embed_s"]
    found = ask(host, "object", **view, **click_at(UTM_TRANSFORM, (30, 30)))
    assert 0 < found["outline_s"] < found["decode_s"]
    assert 0 <= found["read_s"] <= found["embed_s"]
