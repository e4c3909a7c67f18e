"""``checkpoints list | download | verify``: the weights that people publish, and what a file of weights is."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from sam_backend.errors import CheckpointError
from sam_backend.model.checkpoint import find_checkpoint, read_network
from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.download import download
from sam_backend.model.published import PUBLISHED, PublishedCheckpoint, places_of, published, sha256_of
from sam_backend.model.tiny_vit import TinyVitConfig
from sam_backend.model.vit import VitConfig

MIRROR_VARIABLE = "SAM_CHECKPOINTS_URL"
ENCODERS = {VitConfig: "ViT", TinyVitConfig: "TinyViT", ConvConfig: "convolutional"}
WITHOUT_INTERNET = """\
fetch one:         python -m sam_backend checkpoints download NAME
without internet:  fetch the file elsewhere from its address and put it into the folder you work in, or into
                   checkpoints/ there; `checkpoints verify NAME` tells whether it arrived whole"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Say what the command takes."""
    parser = commands.add_parser("checkpoints", help="list, fetch and check published weights")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="what is published, and what is here").set_defaults(run=run_list)
    fetch = actions.add_parser("download", help="fetch published weights; goes on where it broke off")
    fetch.add_argument("name", metavar="NAME", help=", ".join(checkpoint.name for checkpoint in PUBLISHED))
    fetch.add_argument("--to", type=Path, default=Path("checkpoints"), metavar="FOLDER", help="default: checkpoints")
    fetch.add_argument(
        "--url", default=os.environ.get(MIRROR_VARIABLE) or None, help=f"of a mirror; default: {MIRROR_VARIABLE}"
    )
    fetch.set_defaults(run=run_download)
    check = actions.add_parser("verify", help="what a file of weights is, and whether it is whole")
    check.add_argument("file", metavar="FILE", help="a file, or the name of a checkpoint")
    check.set_defaults(run=run_verify)


def run_list(_: argparse.Namespace) -> int:
    """Print every published checkpoint, and where to put a file by hand."""
    for checkpoint in PUBLISHED:
        here = [place for place in places_of(checkpoint.file_name) if place.is_file()]
        print(f"{checkpoint.name:<12}{_size(checkpoint.size_bytes):>7}  {checkpoint.licence}  {checkpoint.about}")
        print(f"{'':<12}{f'here: {here[0]}' if here else checkpoint.url}")
    print(WITHOUT_INTERNET)
    return 0


def run_download(arguments: argparse.Namespace) -> int:
    """Fetch a checkpoint with a bar of its progress."""
    checkpoint = published(arguments.name)
    with _bar(checkpoint) as bar:
        file = download(checkpoint, arguments.to, lambda n_bytes: bar.update(n_bytes - bar.n), arguments.url)
    print(f"{checkpoint.name} is at {file} ({_size(checkpoint.size_bytes)}, SHA-256 as published)")
    if file.absolute() not in [place.absolute() for place in places_of(file.name)]:
        print(f"it isn't looked for there: say --checkpoint {file}")
    return 0


def _bar(checkpoint: PublishedCheckpoint) -> tqdm[NoReturn]:
    """A bar on a terminal, nothing in a log."""
    return tqdm(
        total=checkpoint.size_bytes,
        desc=checkpoint.file_name,
        unit="B",
        unit_scale=True,
        disable=None,
    )


def run_verify(arguments: argparse.Namespace) -> int:
    """Print what a file is: its hash, whether that is known, its network, and whether the weights load."""
    path = find_checkpoint(arguments.file)
    sha256 = sha256_of(path)
    known = [checkpoint for checkpoint in PUBLISHED if checkpoint.sha256 == sha256]
    print(f"file       {path} ({_size(path.stat().st_size)})")
    print(f"sha256     {sha256}")
    print(f"published  {f'as {known[0].name} ({known[0].about})' if known else 'no, or changed since'}")
    config, network = read_network(path)
    n_weights = sum(weight.numel() for weight in network.parameters())
    print(f"encoder    {_sizes(config.encoder)}")
    print(f"weights    {n_weights / 1e6:.1f} million, all of them fit")
    for checkpoint in PUBLISHED:
        if checkpoint.file_name == path.name and not known:
            raise CheckpointError(
                f"{path} is called like the published {checkpoint.name} but is another file: "
                "fetch it again, or give your own weights another name"
            )
    return 0


def _sizes(encoder: VitConfig | TinyVitConfig | ConvConfig) -> str:
    sizes = [f"{field.name.replace('_', ' ')} {getattr(encoder, field.name)}" for field in fields(encoder)]
    return f"{ENCODERS[type(encoder)]}: {', '.join(sizes)}"


def _size(n_bytes: int) -> str:
    return tqdm.format_sizeof(n_bytes, "B")
