"""Settings > Options > Segment Anything."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtTest import QTest
from segment_anything.settings import GROUP, Backend, PluginSettings, read_settings, read_token, write_settings
from segment_anything.settings_page.factory import SettingsPage, SettingsPart


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen in time"
        QTest.qWait(5)


@pytest.fixture(autouse=True)
def _clean_settings(qgis_app: QgsApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SAM_API_TOKEN", raising=False)
    QgsSettings().remove(GROUP)
    yield
    QgsSettings().remove(GROUP)


@pytest.fixture
def page() -> Iterator[SettingsPage]:
    page = SettingsPage()
    yield page
    page.form.stop_check()
    page.deleteLater()


def fake_worker(folder: Path, says: str) -> Path:
    """A program that greets as the worker does, in place of a Python that would."""
    program = folder / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        f"print({says!r}, flush=True)\n"
        "for line in sys.stdin:\n"
        f"    print(json.dumps({{**json.loads({says!r}), 'id': json.loads(line)['id']}}), flush=True)\n"
    )
    program.chmod(0o755)
    return program


def greeting(**fields: object) -> str:
    hello = {"protocol": 1, "version": "0.1.0", "model": "small", "device": "cpu", "state": "ready"}
    return json.dumps({"id": "hello", "event": "result", **hello, **fields})


def test_the_page_shows_what_is_set_and_keeps_what_is_changed(page: SettingsPage) -> None:
    chosen = PluginSettings(
        backend=Backend.SERVER,
        python="/opt/backend/bin/python",
        source_folder="/opt/source",
        model="small.pth",
        device="cuda",
        server_url="http://gpu.example.org:9090",
        shared_folders="/data",
    )
    write_settings(chosen)
    page = SettingsPage()
    assert page.form.settings == chosen
    page.form.backend.setCurrentIndex(page.form.backend.findData(Backend.LOCAL))
    page.form.model.setText(" vit_b.pth ")
    page.apply()
    stored = read_settings()
    assert (stored.backend, stored.model) == (Backend.LOCAL, "vit_b.pth")
    assert stored.server_url == chosen.server_url


@pytest.mark.parametrize(
    ("backend", "local", "server"),
    [(Backend.AUTO, True, True), (Backend.LOCAL, True, False), (Backend.SERVER, False, True)],
)
def test_only_the_fields_that_count_can_be_filled_in(
    backend: str, local: bool, server: bool, page: SettingsPage
) -> None:
    page.form.backend.setCurrentIndex(page.form.backend.findData(backend))
    assert page.form.python.isEnabled() is local
    assert page.form.server_url.isEnabled() is server


def test_a_token_is_kept_encrypted_where_there_is_a_master_password(page: SettingsPage) -> None:
    auth = QgsApplication.authManager()
    if auth.isDisabled():
        pytest.skip("this QGIS has no authentication database")
    assert auth.setMasterPassword("for the test", False)
    page.form.token_field.setText("secret")
    page.apply()
    stored = read_settings()
    assert stored.auth_config
    assert read_token(stored) == "secret"
    assert "secret" not in json.dumps({key: str(QgsSettings().value(key)) for key in QgsSettings().allKeys()})
    again = SettingsPage()
    assert again.form.token == read_token(read_settings())
    again.form.token_field.setText("")
    again.apply()
    assert read_token(read_settings()) == ""


def test_a_token_that_cannot_be_encrypted_is_told(page: SettingsPage, monkeypatch: pytest.MonkeyPatch) -> None:
    from segment_anything.settings_page import factory

    monkeypatch.setattr(factory, "write_token", lambda settings, token: (settings, False))
    page.form.token_field.setText("secret")
    page.apply()
    assert "isn't encrypted" in page.form.answer.text()


def test_check_starts_the_python_of_the_fields_and_shows_its_answer(page: SettingsPage, tmp_path: Path) -> None:
    page.form.python.setFilePath(str(fake_worker(tmp_path, greeting())))
    before = time.monotonic()
    page.form.check_button.click()
    assert time.monotonic() - before < 0.5
    assert not page.form.check_button.isEnabled()
    wait_for(page.form.check_button.isEnabled)
    assert page.form.answer.text().startswith("✓ Works: model small on cpu, backend 0.1.0")
    assert read_settings().python == "", "a check keeps nothing"


def test_check_says_hello_to_the_server(page: SettingsPage) -> None:
    class Hello(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, self.headers.get("Authorization")))
            body = greeting(model="large", device="cuda").encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    seen: list[tuple[str, str | None]] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page.form.backend.setCurrentIndex(page.form.backend.findData(Backend.SERVER))
    page.form.server_url.setText(f"http://127.0.0.1:{server.server_port}")
    page.form.token_field.setText("secret")
    page.form.check()
    wait_for(page.form.check_button.isEnabled)
    server.shutdown()
    server.server_close()
    assert seen == [("/raster/hello", "Bearer secret")]
    assert page.form.answer.text().startswith("✓ Works: model large on cuda")


@pytest.mark.parametrize(
    ("greets", "told"),
    [
        pytest.param(
            greeting(state="failed", error="no such file"),
            "✗ The backend answers, but its model is failed (no such file)",
            id="failed",
        ),
        pytest.param(greeting(state="loading"), "✓ The backend answers, but its model is loading", id="loading"),
        pytest.param(greeting(protocol=2), "speaks protocol 2, this plugin speaks 1: update the plugin", id="protocol"),
    ],
)
def test_check_says_what_is_amiss(greets: str, told: str, page: SettingsPage, tmp_path: Path) -> None:
    page.form.python.setFilePath(str(fake_worker(tmp_path, greets)))
    page.form.check()
    wait_for(page.form.check_button.isEnabled)
    assert told in page.form.answer.text()


@pytest.mark.parametrize(
    ("backend", "python", "told"),
    [
        (Backend.LOCAL, "", "There is no Python: name one"),
        (Backend.SERVER, "", "There is no URL of a server: name one"),
        (Backend.LOCAL, "/nowhere/python", "can't be started"),
    ],
    ids=["no python", "no url", "python is gone"],
)
def test_check_says_what_to_fill_in(backend: str, python: str, told: str, page: SettingsPage) -> None:
    page.form.backend.setCurrentIndex(page.form.backend.findData(backend))
    page.form.python.setFilePath(python)
    page.form.check()
    wait_for(page.form.check_button.isEnabled)
    assert page.form.answer.text().startswith("✗ ")
    assert told in page.form.answer.text()


def test_closing_the_page_ends_a_check(page: SettingsPage, tmp_path: Path) -> None:
    page.form.python.setFilePath(str(fake_worker(tmp_path, "{}")))
    page.form.check()
    page.form.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "segment-anything-check"]


def test_the_part_adds_its_page_and_takes_it_away() -> None:
    class Interface:
        def __init__(self) -> None:
            self.factories: list[object] = []

        def registerOptionsWidgetFactory(self, factory: object) -> None:
            self.factories.append(factory)

        def unregisterOptionsWidgetFactory(self, factory: object) -> None:
            self.factories.remove(factory)

    interface = Interface()
    part = SettingsPart(interface)
    (factory,) = interface.factories
    assert factory.title() == "Segment Anything"
    assert isinstance(factory.createWidget(None), SettingsPage)
    part.unload()
    assert interface.factories == []
