from pathlib import Path

import pytest

from sam_backend.errors import SettingsError
from sam_backend.settings import Settings


def test_empty_environment_gives_the_usual_settings() -> None:
    assert Settings.from_env({}) == Settings()


def test_blank_variables_count_as_unset() -> None:
    assert Settings.from_env({"SAM_MODEL": "", "LABEL_STUDIO_URL": " ", "PORT": ""}) == Settings()


def test_every_variable_is_read(tmp_path: Path) -> None:
    environ = {
        "SAM_MODEL": "vit_b",
        "SAM_DEVICE": "cuda:1",
        "SAM_DTYPE": "bfloat16",
        "LABEL_STUDIO_URL": "https://label.example:8080/studio/",
        "LABEL_STUDIO_API_KEY": " 0123abcd ",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(tmp_path),
        "LABEL_STUDIO_PUBLIC_URL": "https://labels.example/",
        "SAM_ALLOWED_HOSTS": "minio, 10.0.0.0/8 fc00::/7,store.example.",
        "SAM_PICTURE_CACHE_MB": "5",
        "SAM_CACHE_MB": "0",
        "SAM_MAX_PICTURE_MB": "7",
        "SAM_MAX_MEGAPIXELS": "8",
        "SAM_FETCH_TIMEOUT_S": "2.5",
        "SAM_DATA_FOLDER": str(tmp_path / "later"),
        "SAM_LEDGER_KEEP_DAYS": "30",
        "PORT": "9091",
    }
    assert Settings.from_env(environ) == Settings(
        model="vit_b",
        device="cuda:1",
        dtype="bfloat16",
        label_studio_url="https://label.example:8080/studio",
        label_studio_api_key="0123abcd",
        local_files_root=tmp_path,
        label_studio_public_url="https://labels.example",
        allowed_hosts=("minio", "10.0.0.0/8", "fc00::/7", "store.example."),
        picture_cache_mb=5,
        cache_mb=0,
        max_picture_mb=7,
        max_megapixels=8,
        fetch_timeout_s=2.5,
        data_folder=tmp_path / "later",
        ledger_keep_days=30,
        port=9091,
    )


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("SAM_DEVICE", "gpu", "cuda"),
        ("SAM_DATA_FOLDER", __file__, "is a file"),
        ("SAM_LEDGER_KEEP_DAYS", "0", "from 1"),
        ("SAM_DTYPE", "float16", "float32 or bfloat16"),
        ("LABEL_STUDIO_URL", "localhost:8080", "http://HOST"),
        ("LABEL_STUDIO_URL", "http://", "http://HOST"),
        ("LABEL_STUDIO_URL", "http://h:0", "http://HOST"),
        ("LABEL_STUDIO_URL", "http://h:99999", "http://HOST"),
        ("LABEL_STUDIO_URL", "http://h/?a=1", "http://HOST"),
        ("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", "no/such/folder", "mount"),
        ("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", "/", "only"),
        ("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", "/../", "only"),
        ("SAM_CACHE_MB", "-1", "whole number from 0"),
        ("SAM_CACHE_MB", "1e3", "whole number"),
        ("SAM_MAX_PICTURE_MB", "0", "whole number from 1"),
        ("SAM_MAX_MEGAPIXELS", "many", "whole number from 1"),
        ("SAM_FETCH_TIMEOUT_S", "0", "seconds above 0"),
        ("SAM_FETCH_TIMEOUT_S", "nan", "seconds above 0"),
        ("SAM_FETCH_TIMEOUT_S", "soon", "seconds above 0"),
        ("SAM_FETCH_TIMEOUT_S", "101", "up to 100"),
        ("PORT", "65536", "to 65535"),
        ("SAM_ALLOWED_HOSTS", "http://minio", "without http"),
        ("SAM_ALLOWED_HOSTS", "a,minio:9000", "without http"),
        ("SAM_ALLOWED_HOSTS", "10.0.0.0/99", "networks like"),
        ("LABEL_STUDIO_PUBLIC_URL", "labels", "http://HOST"),
    ],
)
def test_wrong_value_is_named_with_variable_and_cure(name: str, value: str, wanted: str) -> None:
    with pytest.raises(SettingsError, match=wanted) as caught:
        Settings.from_env({name: value})
    assert str(caught.value).startswith(f"{name}={value!r} ")


def test_key_is_never_shown() -> None:
    settings = Settings.from_env({"LABEL_STUDIO_URL": "http://h", "LABEL_STUDIO_API_KEY": "secret"})
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"LABEL_STUDIO_URL": "http://h", "LABEL_STUDIO_API_KEY": "sec ret"}, id="key with a space"),
        pytest.param({"LABEL_STUDIO_API_KEY": "secret"}, id="key without an address"),
        pytest.param({"LABEL_STUDIO_URL": "http://me:secret@h"}, id="password in the address"),
    ],
)
def test_error_about_a_secret_does_not_tell_it(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    assert "sec" not in str(caught.value)


def test_raster_settings_are_read(tmp_path: Path) -> None:
    environ = {
        "SAM_API_TOKEN": "0123456789abcdef",
        "SAM_RASTER_FOLDERS": f"{tmp_path}: {tmp_path / 'a'}:",
        "SAM_RASTER_SPOOL": str(tmp_path),
        "SAM_RASTER_KEEP_HOURS": "2",
        "SAM_RASTER_UPLOAD_MB": "3",
    }
    (tmp_path / "a").symlink_to(tmp_path)
    settings = Settings.from_env(environ)
    assert settings.raster_folders == (tmp_path, tmp_path)
    assert (settings.raster_spool, settings.raster_keep_hours, settings.raster_upload_mb) == (tmp_path, 2, 3)
    assert settings.api_token == "0123456789abcdef"  # noqa: S105 - of this test
    assert "0123456789" not in repr(settings)


@pytest.mark.parametrize("token", ["qwerty", "0123456789 abcdef", "0123456789äbcdef"])
def test_a_token_that_is_none_is_refused_without_telling_it(token: str) -> None:
    with pytest.raises(SettingsError, match="at least 16 signs") as caught:
        Settings.from_env({"SAM_API_TOKEN": token})
    assert token not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("SAM_RASTER_FOLDERS", "no/such/folder", "no folder here"),
        ("SAM_RASTER_FOLDERS", "/", "whole disk"),
        ("SAM_RASTER_SPOOL", "no/such/folder", "make it first"),
        ("SAM_RASTER_KEEP_HOURS", "0", "whole number from 1"),
        ("SAM_RASTER_UPLOAD_MB", "x", "whole number from 1"),
    ],
)
def test_wrong_raster_setting_is_named(name: str, value: str, wanted: str) -> None:
    with pytest.raises(SettingsError, match=wanted) as caught:
        Settings.from_env({name: value})
    assert str(caught.value).startswith(f"{name}={value!r} ")


def test_all_wrong_settings_are_named_at_once_and_none_that_is_wrong_because_of_another() -> None:
    environ = {
        "SAM_DEVICE": "gpu",
        "LABEL_STUDIO_URL": "nowhere",
        "LABEL_STUDIO_API_KEY": "0123abcd",
        "SAM_THREADS": "0",
        "SAM_MODEL": "vit_b",
    }
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(environ)
    lines = str(raised.value).splitlines()
    assert [line.partition("=")[0] for line in lines] == ["LABEL_STUDIO_URL", "SAM_DEVICE", "SAM_THREADS"]


def test_settings_of_operation_are_read() -> None:
    environ = {
        "SAM_MAX_PROMPTS": "3",
        "SAM_ENCODES": "2",
        "SAM_ENCODE_QUEUE": "0",
        "SAM_PREDICT_WAIT_S": "12.5",
        "SAM_LOG_FORMAT": "json",
        "SAM_WORKERS": "4",
        "SAM_THREADS": "32",
    }
    assert Settings.from_env(environ) == Settings(
        max_prompts=3, encodes=2, encode_queue=0, predict_wait_s=12.5, log_format="json", workers=4, threads=32
    )
