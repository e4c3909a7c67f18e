"""The ``--data``, ``--cutouts`` and ``--scenes`` of ``train``: from words to sources of samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sam_backend.errors import DatasetError
from sam_backend.training.data.open_pictures import open_pictures
from sam_backend.training.data.subset import only, split_names, without
from sam_backend.training.sample import PictureSet, SampleSource
from sam_backend.training.synthetic.pasted import PastedObjects
from sam_backend.training.synthetic.scenes import GeneratedScenes
from sam_backend.training.windows import WindowSource


@dataclass(frozen=True, slots=True)
class DataSpec:
    """One ``--data``."""

    path: Path
    share: float = 1.0
    """Of the samples, relative to the other sources'."""

    without: Path | None = None
    """A file of names never to be trained on, one a line."""

    held_out: float | None = None
    """The share of the pictures that judge the run instead of teaching it."""


def data_spec(text: str) -> DataSpec:
    """Read ``PATH[,share=S][,without=FILE][,held-out=S]``."""
    path, *options = text.split(",")
    values = dict(option.partition("=")[::2] for option in options)
    try:
        return DataSpec(
            path=Path(path),
            share=float(values.pop("share", 1.0)),
            without=Path(values.pop("without")) if "without" in values else None,
            held_out=float(values.pop("held-out")) if "held-out" in values else None,
            **values,
        )
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no data set: give PATH, PATH,share=0.5, PATH,without=NAMES.txt or PATH,held-out=0.1"
        ) from None


@dataclass(frozen=True, slots=True)
class OpenedData:
    """What a run learns from and what judges it."""

    training: list[tuple[PictureSet, float]] = field(default_factory=list)
    """With the share of each."""

    held_out: list[PictureSet] = field(default_factory=list)


def open_data(specs: Sequence[DataSpec], held_out_share: float) -> OpenedData:
    """Open every data set and split it.

    Args:
        specs: from `data_spec`.
        held_out_share: for those that don't say their own; names left out by ``without`` judge in any case.

    Raises:
        DatasetError: one of them can't be opened, or nothing is left to train on.
    """
    opened = OpenedData()
    for spec in specs:
        pictures = open_pictures(spec.path)
        left_out = _names_in(spec.without) if spec.without else frozenset()
        share = held_out_share if spec.held_out is None else spec.held_out
        split = split_names([name for name in pictures.names if name not in left_out], share)
        judging = {*split.held_out, *left_out} & set(pictures.names)
        opened.training.append((without(pictures, judging), spec.share))
        if judging:
            opened.held_out.append(only(pictures, judging))
    return opened


def window_sources(
    data: OpenedData,
    model_size: int,
    zoom_range: tuple[float, float],
    cutouts: Sequence[DataSpec],
    scenes_share: float,
) -> list[tuple[SampleSource, float]]:
    """Sources of windows, with the share of each."""
    sources: list[tuple[SampleSource, float]] = [
        (WindowSource(pictures, model_size, zoom_range), share) for pictures, share in data.training
    ]
    sources += [(PastedObjects(spec.path), spec.share) for spec in cutouts]
    if scenes_share > 0:
        sources.append((GeneratedScenes(), scenes_share))
    return sources


def _names_in(file: Path) -> frozenset[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise DatasetError(f"the names in {file} can't be read: {error.strerror}") from None
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
