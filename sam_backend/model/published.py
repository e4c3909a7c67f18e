"""The checkpoints that their makers publish: what they are called, where they lie and how to know them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sam_backend.errors import CheckpointError

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """One file of weights that anyone may fetch."""

    name: str
    """What people write: ``--checkpoint NAME``."""

    file_name: str
    url: str
    size_bytes: int
    sha256: str
    """64 hexadecimal digits, small letters."""

    licence: str
    about: str
    """A few words for choosing one."""


_META = "https://dl.fbaipublicfiles.com/segment_anything/"
PUBLISHED = (
    PublishedCheckpoint(
        name="vit_b",
        file_name="sam_vit_b_01ec64.pth",
        url=f"{_META}sam_vit_b_01ec64.pth",
        size_bytes=375_042_383,
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        licence="Apache-2.0",
        about="SAM, base",
    ),
    PublishedCheckpoint(
        name="vit_l",
        file_name="sam_vit_l_0b3195.pth",
        url=f"{_META}sam_vit_l_0b3195.pth",
        size_bytes=1_249_524_607,
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        licence="Apache-2.0",
        about="SAM, large",
    ),
    PublishedCheckpoint(
        name="vit_h",
        file_name="sam_vit_h_4b8939.pth",
        url=f"{_META}sam_vit_h_4b8939.pth",
        size_bytes=2_564_550_879,
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        licence="Apache-2.0",
        about="SAM, huge: the best masks, wants a GPU",
    ),
    PublishedCheckpoint(
        name="mobile_sam",
        file_name="mobile_sam.pt",
        url="https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",
        size_bytes=40_728_226,
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        licence="Apache-2.0",
        about="MobileSAM: small, the one for a machine without GPU",
    ),
)


def published(name: str) -> PublishedCheckpoint:
    """The published checkpoint of that name.

    Raises:
        CheckpointError: nothing is published under that name.
    """
    for checkpoint in PUBLISHED:
        if checkpoint.name == name:
            return checkpoint
    names = ", ".join(checkpoint.name for checkpoint in PUBLISHED)
    raise CheckpointError(f"no checkpoint is published as {name!r}: give one of {names}")


def places_of(file_name: str) -> tuple[Path, Path]:
    """Where a published file is looked for, in this order: the working folder, then ``checkpoints/`` in it."""
    return Path(file_name), Path("checkpoints") / file_name


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Raises:
        CheckpointError: the file can't be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from None
    return digest.hexdigest()
