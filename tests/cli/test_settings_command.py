from pathlib import Path

import pytest

from sam_backend.__main__ import main
from sam_backend.cli import settings as command
from sam_backend.cli.settings import documented_settings, markdown_lines
from sam_backend.errors import SettingsError
from sam_backend.settings import Settings

TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in documented_settings():
        monkeypatch.delenv(setting.variable, raising=False)


def _printed(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["settings", *options]) == 0
    return capsys.readouterr().out


def test_value_origin_and_meaning_of_every_setting_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SAM_THREADS", "5")
    monkeypatch.setenv("SAM_RASTER_FOLDERS", f"{tmp_path}:{tmp_path.parent}")
    lines = _printed(capsys).splitlines()
    assert "SAM_THREADS = 5   [environment]" in lines
    assert "SAM_PREDICT_WAIT_S = 90   [default]" in lines
    assert "LABEL_STUDIO_URL = (not set)   [default]" in lines
    assert f"SAM_RASTER_FOLDERS = {tmp_path}:{tmp_path.parent}   [environment]" in lines
    assert lines[lines.index("SAM_CACHE_DISK_MB = 4000   [default]") + 1] == (
        "    What the folder of SAM_CACHE_URL may hold."
    )
    assert sum(not line.startswith(" ") for line in lines) == len(documented_settings())


def test_secrets_are_shown_as_set_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SAM_API_TOKEN", TOKEN)
    monkeypatch.setenv("SAM_CACHE_URL", f"redis://:{TOKEN}@host")
    printed = _printed(capsys)
    assert "SAM_API_TOKEN = set   [environment]" in printed
    assert "SAM_CACHE_URL = set   [environment]" in printed
    assert "LABEL_STUDIO_API_KEY = (not set)   [default]" in printed
    assert TOKEN not in printed


def test_every_wrong_setting_has_its_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("PORT", "SAM_DTYPE", "SAM_LOG_FORMAT"):
        monkeypatch.setenv(name, "wrong")
    assert main(["settings"]) == 2
    lines = capsys.readouterr().err.removeprefix("error: ").splitlines()
    assert [line.partition("=")[0] for line in lines] == ["SAM_DTYPE", "SAM_LOG_FORMAT", "PORT"]


def test_template_names_every_variable_and_changes_nothing_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _printed(capsys, "--env").splitlines()
    names = {setting.variable for setting in documented_settings()}
    assert {line[1:].partition("=")[0] for line in lines if line[:1] == "#" and line[1] != " "} == names
    assert all(line[:1] in ("", "#") for line in lines)
    values = dict(line[1:].split("=", 1) for line in lines if line[:1] == "#" and line[1] != " ")
    assert Settings.from_env(values) == Settings()


def test_table_of_the_documentation_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operation.md").read_text()
    assert _printed(capsys, "--markdown") in page, "python -m sam_backend settings --markdown gives the table"
    assert len(list(markdown_lines())) == len(documented_settings()) + 2


def test_field_without_its_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_docstrings", lambda: {"model": "the model"})
    with pytest.raises(SettingsError, match=r"Settings\.model isn't documented"):
        documented_settings()
