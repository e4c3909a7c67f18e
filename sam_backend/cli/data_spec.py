"""How ``train`` and ``evaluate`` are told of data: one form of words for both, so that they mean the same split."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, field
from pathlib import Path

from sam_backend.errors import DatasetError
from sam_backend.training.data.open_pictures import OpenOptions, open_pictures
from sam_backend.training.data.subset import Subset, only, split_names, without
from sam_backend.training.data.tiling import DEFAULT_TILING, RasterPart, Tiling

FORM = "PATH[,share=S][,held-out=S][,without=FILE][,images=FOLDER][,polygons=FILE][,crs=CRS][,part=L:T:R:B][,overlap=N]"
EPILOG = """\
A data set is named as PATH, followed by what it needs:
  share=0.5          of the samples, relative to the other sources (train)
  held-out=0.1       a share of the pictures, chosen by their names, judges and never teaches
  without=FILE       the names in it, one a line, judge and never teach
  images=FOLDER      of a COCO file or Label Studio export
  polygons=FILE      of a GeoTIFF, if they don't lie beside it
  crs=EPSG:32636     of the polygons, or "raster", if their file says it wrongly
  overlap=0          px that the 1024 px tiles of a raster share (128)
  part=0:0:0.5:1     left, top, right, bottom of a raster, in shares of it: here its west half
train learns from the one part and judges by the other; evaluate, given the same words, measures the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """One data set in words."""

    path: Path
    share: float = 1.0
    """Of the samples, relative to the other sources'."""

    held_out: float | None = None
    """The share of the pictures that judge a run instead of teaching it; None: as the command says."""

    without: Path | None = None
    """A file of names that judge as well, one a line."""

    options: OpenOptions = field(default_factory=OpenOptions)
    words: tuple[str, ...] = ()
    """What was said behind the path, as it was said."""


@dataclass(frozen=True, slots=True)
class OpenedData:
    """A data set in two parts; either may be missing."""

    training: Subset | None
    held_out: Subset | None


def data_spec(text: str) -> DataSpec:
    """Read the form of `FORM`."""
    path, *words = text.split(",")
    said = dict(word.partition("=")[::2] for word in words)
    try:
        spec = DataSpec(
            path=Path(path),
            share=_share(said.pop("share", "1")),
            held_out=float(said.pop("held-out")) if "held-out" in said else None,
            without=Path(said.pop("without")) if "without" in said else None,
            options=OpenOptions(
                images=Path(said.pop("images")) if "images" in said else None,
                polygons=Path(said.pop("polygons")) if "polygons" in said else None,
                polygons_crs=said.pop("crs", None),
                tiling=Tiling(
                    overlap_px=int(said.pop("overlap", DEFAULT_TILING.overlap_px)),
                    part=_part(said.pop("part")) if "part" in said else DEFAULT_TILING.part,
                ),
            ),
            words=tuple(words),
        )
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no data set ({error}): give {FORM}") from None
    if said:
        raise argparse.ArgumentTypeError(f"{text!r}: {next(iter(said))!r} isn't known: give {FORM}")
    return spec


def open_spec(spec: DataSpec, held_out_share: float = 0.0) -> OpenedData:
    """Open a data set and split it.

    Args:
        spec: from `data_spec`.
        held_out_share: for a spec that doesn't say its own.

    Raises:
        DatasetError: it can't be opened, or the file of names can't.
        RasterError: a raster can't be read.
    """
    pictures = open_pictures(spec.path, spec.options)
    share = held_out_share if spec.held_out is None else spec.held_out
    named = _names_in(spec.without) if spec.without else frozenset()
    split = split_names([name for name in pictures.names if name not in named], share)
    judging = {*split.held_out, *(name for name in pictures.names if name in named)}
    return OpenedData(
        training=without(pictures, judging) if len(judging) < len(pictures.names) else None,
        held_out=only(pictures, judging) if judging else None,
    )


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < math.inf:
        raise ValueError(f"a share of the samples is a number above 0, got {text}")
    return share


def _part(text: str) -> RasterPart:
    left, top, right, bottom = (float(number) for number in text.split(":"))
    return RasterPart(left=left, top=top, right=right, bottom=bottom)


def _names_in(file: Path) -> frozenset[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise DatasetError(f"the names in {file} can't be read: {error.strerror}") from None
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
