"""From JSON to typed requests: what isn't known is refused by name."""

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.errors import OptionsError, RequestError, SamBackendError
from sam_backend.geo.merge import NestingPolicy
from sam_backend.geo.prompt_layer import PromptKind
from sam_backend.geo.protocol.options import AUTOMATIC, PROMPTS, READING, RESULTS
from sam_backend.geo.protocol.requests import Cancel, Hello, ObjectRequest, Prefetch, Refilter, parse_request
from sam_backend.geo.protocol.view import PictureView, RasterView
from sam_backend.geo.run.whole_run import RunJob, Start
from sam_backend.geo.tiles import PixelRect

RUN = {"op": "run", "raster": "in.tif", "output": "out.gpkg"}
VIEW = {"raster": "in.tif", "view_px": [1, 2, 30, 40]}
PICTURE = {"picture": "aGk=", "transform": [0.5, 0, 10, 0, -0.5, 20]}
OBJECT = {"op": "object", **VIEW, "points_xy": [[1, 2]], "is_foreground": [True]}


def test_every_option_of_a_run_arrives_where_the_engine_wants_it() -> None:
    job = parse_request(
        RUN
        | {"journal": "j", "start": "restart", "heal": False, "area": "area.gpkg", "tile_size": 512.0, "overlap": 64}
        | {"bands": [3, 2, 1], "stretch": [1, 99], "ground_size": 2, "prompts": "p.gpkg", "prompt_kind": "boxes"}
        | {"min_score": 0.5, "min_stability": 0.6, "min_area": 1, "max_area": 9, "min_hole": 2}
        | {"nesting": "flat", "drawing": "coverage", "simplify": 0, "keep_pieces": True}
    )
    assert isinstance(job, RunJob)
    asked, results = job.request, job.results
    assert (job.output, job.start, job.heals, asked.journal) == (Path("out.gpkg"), Start.RESTART, False, Path("j"))
    assert (asked.tile_px, asked.overlap_px, asked.area_of_interest) == (512, 64, Path("area.gpkg"))
    assert (asked.bands, asked.stretch_percent, asked.ground_size_factor) == ((3, 2, 1), (1.0, 99.0), 2.0)
    assert (asked.prompts, asked.prompt_kind) == (Path("p.gpkg"), PromptKind.BOXES)
    assert (results.min_score, results.min_stability) == (0.5, 0.6)
    assert (results.min_area_m2, results.max_area_m2, results.min_hole_m2) == (1, 9, 2)
    assert (results.nesting, results.drawing) == (NestingPolicy.FLAT, "coverage")
    assert (results.simplify_px, results.keeps_pieces) == (0, True)


def test_what_is_left_out_or_null_stays_as_the_engine_has_it() -> None:
    bare = parse_request(RUN)
    nulls = {option.name: None for option in (*PROMPTS, *READING, *AUTOMATIC, *RESULTS)}
    assert isinstance(bare, RunJob)
    spelled = parse_request(RUN | nulls | {"journal": None, "start": None, "heal": None, "id": "x"})
    assert isinstance(spelled, RunJob)
    assert (spelled.start, spelled.heals, spelled.results) == (Start.AUTO, True, bare.results)
    assert spelled.request.journal == Path("out.gpkg.journal")
    assert bare.request.automatic.points_per_side == 32
    assert math.isinf(bare.results.max_area_m2)


def test_each_operation_has_its_own_type() -> None:
    assert isinstance(parse_request({"op": "hello"}), Hello)
    assert parse_request({"op": "cancel", "target": "x"}) == Cancel("x")
    refilter = parse_request({"op": "refilter", "journal": "j", "output": "o.fgb", "min_score": 1})
    assert isinstance(refilter, Refilter)
    assert (refilter.journal, refilter.output, refilter.results.min_score) == (Path("j"), Path("o.fgb"), 1)
    prefetch = parse_request({"op": "prefetch", **PICTURE})
    assert isinstance(prefetch, Prefetch)
    assert isinstance(prefetch.view, PictureView)
    assert prefetch.view.data == b"hi"
    assert prefetch.view.transform * (2, 2) == (11, 19)


def test_an_object_has_a_view_and_prompts() -> None:
    asked = parse_request(OBJECT | {"box_xyxy": [0, 1, 2, 3], "object": "tree", "refine": True, "bands": [1]})
    assert isinstance(asked, ObjectRequest)
    assert asked.view == RasterView(Path("in.tif"), PixelRect(1, 2, 31, 42), bands=(1,))
    assert (asked.name, asked.refines) == ("tree", True)
    np.testing.assert_array_equal(asked.prompts.points_xy, [[1, 2]])
    np.testing.assert_array_equal(asked.prompts.is_foreground, [True])
    np.testing.assert_array_equal(asked.prompts.box_xyxy, [0, 1, 2, 3])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (["op"], "a request is a JSON object, got list"),
        ({"op": ["run"]}, r"the op \['run'\] isn't known"),
        (RUN | {"tile_siz": 3}, r'run has no field "tile_siz": leave it out, or did you mean tile_size\?'),
        (RUN | {"Wörter": 3}, 'run has no field "Wörter": correct it or leave it out'),
        ({"op": "run", "raster": "x"}, "run came without output: give the path of a file"),
        (RUN | {"tile_size": "64"}, 'tile_size must be a whole number, got "64"'),
        (RUN | {"tile_size": 64.5}, "tile_size must be a whole number, got 64.5"),
        (RUN | {"tile_size": True}, "tile_size must be a whole number, got true"),
        (RUN | {"ground_size": [1]}, r"ground_size must be a number, got \[1\]"),
        (RUN | {"bands": 1}, "bands must be whole numbers"),
        (RUN | {"stretch": [1, 2, 3]}, "stretch must be two numbers"),
        (RUN | {"nesting": "most"}, 'nesting must be all, .* or .*, got "most"'),
        (RUN | {"prompt_kind": 1}, "prompt_kind must be points, boxes or polygons, got 1"),
        (RUN | {"keep_pieces": 1}, "keep_pieces must be true or false, got 1"),
        (RUN | {"start": "later"}, 'start must be auto, new, resume or restart, got "later"'),
        (RUN | {"output": ""}, 'output must be the path of a file, got ""'),
        (RUN | {"output": "x" * 100}, None),
        (RUN | {"raster": "a\0b"}, "raster must be the path"),
        (RUN | {"area": {"x": "y" * 100}}, r"area must be the path of a file, got \{.*\.\.\."),
        ({"op": "prefetch"}, "prefetch needs one view"),
        ({"op": "prefetch", **VIEW, **PICTURE}, "prefetch needs one view"),
        ({"op": "prefetch", **VIEW, "view_px": [0, 0, 0, 5]}, "view_px must be four whole numbers"),
        ({"op": "prefetch", **VIEW, "view_px": [0, 0, 5, 5.5]}, "view_px must be four whole numbers"),
        ({"op": "prefetch", **VIEW, "view_px": [0, 0, 5000, 5]}, "the view has 5000 x 5 px, more than 4096 a side"),
        ({"op": "prefetch", **VIEW, "transform": [1, 0, 0, 0, 1, 0]}, 'prefetch has no field "transform"'),
        ({"op": "prefetch", **PICTURE, "picture": "a"}, "picture must be a PNG or JPEG in base64"),
        ({"op": "prefetch", **PICTURE, "picture": "ä"}, "picture must be a PNG or JPEG in base64"),
        ({"op": "prefetch", **PICTURE, "transform": [0] * 6}, "transform must be six numbers"),
        (OBJECT | {"points_xy": [[1]]}, r"points_xy must be a list of \[x, y\]"),
        (OBJECT | {"points_xy": "x"}, r"points_xy must be a list of \[x, y\]"),
        (OBJECT | {"is_foreground": [1]}, "is_foreground must be a list of true"),
        (OBJECT | {"is_foreground": []}, "is_foreground has 0 values for 1 points"),
        (OBJECT | {"box_xyxy": [1, 2, 3]}, "box_xyxy must be four map coordinates"),
        (OBJECT | {"refine": True}, "refine came without object"),
        ({"op": "cancel"}, "cancel came without target"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(record: object, sentence: str | None) -> None:
    if sentence is None:
        assert isinstance(parse_request(record), RunJob)
        return
    with pytest.raises(RequestError, match=sentence) as refused:
        parse_request(record)
    assert len(str(refused.value)) < 300


def test_values_are_checked_by_the_engine_itself() -> None:
    with pytest.raises(OptionsError, match="min_score is -1"):
        parse_request(RUN | {"min_score": -1})
    with pytest.raises(OptionsError, match="points_per_side is a whole number, 1 or more, got 0"):
        parse_request(RUN | {"points_per_side": 0})
    with pytest.raises(OptionsError, match="points_per_side is for automatic masks, but prompts were given"):
        parse_request(RUN | {"points_per_side": 3, "prompts": "x"})


def test_a_host_says_what_paths_mean() -> None:
    def below(field: str, text: str) -> Path:
        if ".." in text:
            raise RequestError(f"{field} isn't yours")
        return Path("/safe") / text

    job = parse_request(RUN | {"prompts": "p"}, below)
    assert isinstance(job, RunJob)
    assert (job.request.raster, job.output) == (Path("/safe/in.tif"), Path("/safe/out.gpkg"))
    assert (job.request.prompts, job.request.journal) == (Path("/safe/p"), Path("/safe/out.gpkg.journal"))
    with pytest.raises(RequestError, match="raster isn't yours"):
        parse_request(RUN | {"raster": "../x"}, below)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = [option.name for option in (*PROMPTS, *READING, *AUTOMATIC, *RESULTS)]
NAMES += ["raster", "output", "journal", "start", "heal", "view_px", "picture", "transform", "target"]
NAMES += ["points_xy", "is_foreground", "box_xyxy", "object", "refine"]


@given(
    operation=st.sampled_from(["hello", "run", "refilter", "object", "prefetch", "cancel"]),
    fields=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=6),
)
def test_nothing_but_errors_with_a_cure_comes_of_nonsense(operation: str, fields: dict[str, object]) -> None:
    with contextlib.suppress(SamBackendError):
        assert parse_request(fields | {"op": operation}) is not None
