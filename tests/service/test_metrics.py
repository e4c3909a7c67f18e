import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click_bodies import click_body, point_item
from flask.testing import FlaskClient
from people import data_uri
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from sam_backend.service.metrics import shared_folder
from sam_backend.service.metrics.model_collector import ModelCollector
from sam_backend.service.metrics.service_metrics import ServiceMetrics
from sam_backend.service.metrics.shared_folder import FOLDER_VARIABLE, forget_metrics, forget_worker, share_metrics
from sam_backend.service.model_loader import ModelLoader

TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test


def _figures(text: str) -> dict[str, float]:
    """By name and labels, as ``name{label="value",...}``."""
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _asked(client: FlaskClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    return _figures(answer.text)


def test_clicks_are_counted_by_warm_and_cold_with_their_stages(client: FlaskClient) -> None:
    for number in range(3):
        client.post("/predict", json=click_body(data_uri(1), point_item(20 + 20 * number, 50, id=str(number))))
    figures = _asked(client)
    assert figures["sam_backend_click_seconds_count picture=cold"] == 1
    assert figures["sam_backend_click_seconds_count picture=warm"] == 2
    for stage in ("fetch", "embed", "mask"):
        assert figures[f"sam_backend_click_stage_seconds_count picture=warm stage={stage}"] == 2
    total_s = figures["sam_backend_click_seconds_sum picture=cold"]
    parts_s = [
        figures[f"sam_backend_click_stage_seconds_sum picture=cold stage={one}"] for one in ("fetch", "embed", "mask")
    ]
    assert total_s == pytest.approx(sum(parts_s))


def test_requests_are_counted_by_route_method_and_status(client: FlaskClient) -> None:
    client.get("/health")
    client.post("/predict", data=b"no JSON")
    client.get("/no/such/route/4711")
    client.open("/health", method="BREW")
    figures = _asked(client)
    assert figures["sam_backend_requests_total method=GET route=/health status=200"] == 1
    assert figures["sam_backend_requests_total method=POST route=/predict status=400"] == 1
    assert figures["sam_backend_requests_total method=unknown route=unknown status=404"] == 1
    assert figures["sam_backend_requests_total method=unknown route=unknown status=405"] == 1
    assert figures["sam_backend_request_seconds_count route=/predict"] == 1
    assert figures["sam_backend_errors_total error=RequestError place=request"] == 1


def test_cache_encoder_and_model_are_shown(client: FlaskClient) -> None:
    for _ in range(2):
        client.post("/predict", json=click_body(data_uri(1), point_item(45, 50)))
    figures = _asked(client)
    assert figures["sam_backend_embedding_lookups_total source=encoder"] >= 1
    assert figures["sam_backend_embedding_lookups_total source=memory"] >= 1
    assert figures["sam_backend_embedding_cache_bytes"] > 0
    assert figures["sam_backend_encode_seconds_count lane=person"] >= 1
    assert figures["sam_backend_encode_queue_pictures"] == 0
    assert figures["sam_backend_model_ready"] == 1
    (info,) = [name for name in figures if name.startswith("sam_backend_model_info")]
    assert "device=cpu name=tiny state=ready version=tiny-" in info


def test_what_fails_is_counted_also_where_the_answer_is_200(client: FlaskClient) -> None:
    config = '<View><Image name="image" value="$image"/><TextArea name="said" toName="image"/></View>'
    client.post("/predict", json=click_body("nowhere://x", point_item(45, 50)))
    with_label = config.replace(
        "<TextArea", '<BrushLabels name="tag" toName="image"><Label value="Object"/></BrushLabels><TextArea'
    )
    assert (
        client.post("/predict", json=click_body("nowhere://x", point_item(45, 50), config=with_label)).status_code
        == 200
    )
    figures = _asked(client)
    assert figures["sam_backend_errors_total error=ImageSourceError place=click"] == 2
    assert figures["sam_backend_errors_total error=ImageSourceError place=request"] == 1


def test_refusals_are_counted_by_reason() -> None:
    metrics = ServiceMetrics()
    metrics.refused(is_late=True)
    metrics.refused(is_late=False)
    metrics.encoded(0.2, is_ahead=True)
    figures = _figures(metrics.show("")[0].decode())
    assert figures["sam_backend_encodings_refused_total reason=late"] == 1
    assert figures["sam_backend_encodings_refused_total reason=full"] == 1
    assert figures["sam_backend_encode_seconds_count lane=ahead"] == 1


def test_no_label_holds_what_a_task_or_person_is_called(client: FlaskClient) -> None:
    for task in (4711, 4712):
        body = click_body(data_uri(1), point_item(45, 50))
        body["tasks"][0]["id"] = task
        client.post("/predict", json=body)
    assert "471" not in "".join(name for name in _asked(client))


def test_metrics_want_the_token_where_one_is_set(start: Callable[..., FlaskClient]) -> None:
    client = start(api_token=TOKEN)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_prometheus_gets_its_own_format_if_it_asks(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_other_rooms_hand_in_what_they_count() -> None:
    class Ledger:
        def collect(self) -> Iterator[GaugeMetricFamily]:
            yield GaugeMetricFamily("sam_backend_kept", "Masks that were kept", value=3)

    metrics = ServiceMetrics()
    metrics.add_collector(Ledger())  # type: ignore[arg-type]
    assert _figures(metrics.show("")[0].decode())["sam_backend_kept"] == 3


def test_model_that_isnt_there_yet_is_shown_as_loading() -> None:
    model = ModelLoader("tiny", lambda: "tiny-1", lambda: pytest.fail("unused"), lambda _: None)
    metrics = ServiceMetrics()
    metrics.add_collector(ModelCollector(model))
    figures = _figures(metrics.show("")[0].decode())
    assert figures["sam_backend_model_ready"] == 0
    assert "sam_backend_model_info device= name=tiny state=loading version=" in figures


def test_folder_of_the_workers_is_made_once_and_removed_by_who_made_it(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    folder = share_metrics(environ)
    assert folder is not None
    assert Path(environ[FOLDER_VARIABLE]).is_dir()
    assert share_metrics(environ) is None
    forget_metrics(None, environ)
    assert Path(folder).is_dir()
    forget_metrics(folder, environ)
    assert not Path(folder).exists()
    assert environ == {}


def test_levels_of_a_worker_that_ended_are_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(shared_folder.FOLDER_VARIABLE, str(tmp_path))
    for name in ("gauge_livesum_4711.db", "gauge_livesum_4712.db", "counter_4711.db"):
        (tmp_path / name).touch()
    forget_worker(4711)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counter_4711.db", "gauge_livesum_4712.db"]


def test_every_figure_is_documented(client: FlaskClient) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operation.md").read_text()
    shown = re.findall(r"^# TYPE (sam_backend_\w+)", client.get("/metrics").text, re.MULTILINE)
    names = [name for name in shown if not name.endswith("_created")]
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in page] == []
