"""Whatever is sent, the answer is an event, never a traceback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

ROUTES = ("/raster/hello", "/raster/object", "/raster/prefetch", "/raster/refilter", "/raster/runs")
NAMES = st.sampled_from(
    [
        "raster",
        "view_px",
        "points_xy",
        "is_foreground",
        "box_xyxy",
        "refine",
        "object",
        "picture",
        "transform",
        "bands",
        "journal",
        "format",
        "start",
        "prompts",
        "prompt_kind",
        "area",
        "tile_size",
        "overlap",
        "stretch",
        "ground_size",
        "id",
        "op",
        "output",
        "simplify",
        "nesting",
        "heal",
        "compare",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
PATHS = st.sampled_from(["{tif}", "/etc/passwd", "upload:x", "run:x", "/vsicurl/http://127.0.0.1:9/x"])
VALUES = st.recursive(
    SCALARS | PATHS | st.lists(st.integers(-5, 200), min_size=2, max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
VIEWS = st.fixed_dictionaries(
    {"raster": st.just("{tif}"), "view_px": st.lists(st.integers(-200, 300), min_size=4, max_size=4)}
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.floats(2.9e5, 3.1e5) | st.integers()
CLICKS = st.fixed_dictionaries(
    {
        "raster": st.just("{tif}"),
        "view_px": st.just([0, 0, 64, 64]),
        "points_xy": st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=1),
        "is_foreground": st.just([True]),
        "box_xyxy": st.none() | st.lists(NUMBERS, min_size=4, max_size=4),
    }
)
TOO_FAR_OFF = {
    "raster": "{tif}",
    "view_px": [0, 0, 64, 64],
    "points_xy": [[0.0, 1.7e38]],  # a number of 32 bits, but twice as much isn't
    "is_foreground": [True],
    "box_xyxy": [-1.7e308, -1.7e38, 1.7e38, 1.7e300],
}
BODIES = CLICKS | (
    st.dictionaries(NAMES, VALUES, max_size=6)
    | VALUES
    | st.builds(lambda view, more: {**view, **more}, VIEWS, st.dictionaries(NAMES, VALUES, max_size=3))
)


@pytest.fixture
def quiet_client(raster_client: FlaskClient, geotiff: Path) -> Iterator[FlaskClient]:
    """Nothing that this client begins goes on for long."""
    yield raster_client
    for run in (geotiff.parent.parent / "spool" / "runs").glob("*"):
        raster_client.delete(f"/raster/runs/{run.name}")


def _check(client: FlaskClient, path: str, data: bytes) -> None:
    answer = client.post(path, data=data, content_type="application/json")
    said: dict[str, Any] = answer.get_json()
    assert answer.status_code in (200, 202, 400, 404, 422), said
    if answer.status_code >= 400:
        assert said["event"] == "error"
        assert said["kind"] in ("bad_request", "raster", "layer"), said
        assert "Traceback" not in said["message"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(ROUTES), body=BODIES)
@example(path="/raster/object", body=TOO_FAR_OFF)
def test_any_json_is_answered(path: str, body: object, quiet_client: FlaskClient, geotiff: Path) -> None:
    _check(quiet_client, path, json.dumps(body).replace("{tif}", str(geotiff)).encode())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(ROUTES), data=st.binary(max_size=60))
def test_any_bytes_are_answered(path: str, data: bytes, quiet_client: FlaskClient) -> None:
    _check(quiet_client, path, data)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=30), data=st.binary(max_size=60))
def test_any_upload_is_answered(name: str, data: bytes, quiet_client: FlaskClient) -> None:
    answer = quiet_client.post("/raster/uploads", query_string={"name": name}, data=data)
    assert answer.status_code in (200, 400)


def test_deep_json_is_answered(quiet_client: FlaskClient) -> None:
    _check(quiet_client, "/raster/runs", b"[" * 100_000)
    _check(quiet_client, "/raster/runs", b'{"raster":' * 900 + b"1" + b"}" * 900)
