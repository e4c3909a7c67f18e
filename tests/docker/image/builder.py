"""Images built without a Docker engine: buildah, on a base of Debian's packages in place of the official Python's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
BASE_TAG = "localhost/sam-backend-test-base"
IMAGE_TAG = "localhost/sam-backend-test"


def buildah(*words: str) -> str:
    """Run buildah and return what it prints; chroot is the isolation that needs no privileges beyond root's."""
    environ = os.environ | {"BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(["buildah", *words], env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S607
    return done.stdout.strip()


def make_base(folder: Path) -> None:
    """Make an image of Debian with Python, once for each machine."""
    if BASE_TAG in buildah("images", "--format", "{{.Name}}").split():
        return
    command = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm"]
    subprocess.run([*command, str(folder / "base")], check=True, stdout=subprocess.DEVNULL)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(folder / "base"), "/")
    buildah("commit", "--quiet", container, BASE_TAG)
    buildah("rm", container)


def build_image(folder: Path, target: str) -> None:
    """Build a target of the Dockerfile; pip works as it does outside, with this machine's own configuration."""
    configuration = folder / "pip.conf"
    options = _pip_options()
    configuration.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
    mounts = {str(configuration): "/etc/pip.conf", "/etc/ssl/certs": "/etc/ssl/certs"}
    mounts |= {place: place for place in _local_places(" ".join(options.values()))}
    volumes = [word for outside, inside in mounts.items() for word in ("--volume", f"{outside}:{inside}:ro")]
    file = ROOT / "docker" / "Dockerfile"
    ignored = ["--ignorefile", f"{file}.dockerignore"]
    base = ["--build-arg", f"BASE_IMAGE={BASE_TAG}"]
    buildah(
        "bud", "--layers", "--format", "docker", "--target", target, "-f", str(file), *ignored, *base, *volumes,
        "-t", IMAGE_TAG, str(ROOT),
    )  # fmt: skip


def _pip_options() -> dict[str, str]:
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.split("=", 1) for line in done.stdout.splitlines())
    return {name.rpartition(".")[2]: value.strip("'") for name, value in pairs}


def _local_places(values: str) -> list[str]:
    """Files and folders that options of pip name; an index's pages link to packages beside its own folder."""
    places = re.findall(r"(file://)?(/[^\s']+)", values)
    found = (str(Path(path).parent) if is_index else path for is_index, path in places)
    return [path for path in found if Path(path).exists()]


@dataclass(frozen=True, slots=True)
class Image:
    """A built image whose files are mounted."""

    root: Path
    container: str
    config: dict[str, Any]
    """As Docker knows it: User, Env, Cmd, WorkingDir, Healthcheck, Volumes."""

    @classmethod
    def open(cls) -> Image:
        """Mount the files of the image that was built last."""
        container = buildah("from", "--pull-never", IMAGE_TAG)
        config = json.loads(buildah("inspect", "--type", "image", IMAGE_TAG))["Docker"]["config"]
        return cls(Path(buildah("mount", container)), container, config)

    def close(self) -> None:
        """Let go of the files."""
        buildah("rm", self.container)

    def command(self, words: list[str], **environ: str) -> list[str]:
        """How to run something in it as its user, with nothing writable but ``/data`` and ``/tmp``.

        A mount namespace of its own ends with the process. The volume begins as the image has it, as Docker's do.
        """
        env = [*self.config["Env"], *(f"{name}={value}" for name, value in environ.items())]
        script = """
            set -e
            root=$1; user=$2; folder=$3; shift 3
            mount --bind "$root" "$root"
            mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
            cp -a "$root/data/." "$root/tmp/"
            mount --bind "$root/tmp" "$root/data"
            mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
            mount -t proc proc "$root/proc"
            mount --rbind /dev "$root/dev"
            mount -o remount,bind,ro "$root"
            exec chroot --userspec="$user" "$root" /usr/bin/env -i -C "$folder" "$@"
        """
        where = [str(self.root), self.config["User"], self.config["WorkingDir"]]
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *where, *env, *words]
