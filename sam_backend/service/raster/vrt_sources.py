"""The files that a GDAL VRT is put together from. Only plain mosaics, as gdalbuildvrt makes them, are understood."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError  # only their types: defusedxml does the reading

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sam_backend.errors import RequestError

_MOST_BYTES = 20_000_000
"""Some ten thousand sources."""

_PLAIN = {
    *("VRTDataset", "SRS", "GeoTransform", "VRTRasterBand", "MaskBand", "ColorInterp", "ColorTable", "Entry"),
    *("NoDataValue", "Description", "UnitType", "Offset", "Scale", "BlockXSize", "BlockYSize", "OverviewList"),
    *("SimpleSource", "ComplexSource", "SourceFilename", "SourceBand", "SourceProperties", "SrcRect", "DstRect"),
    *("NODATA", "ScaleOffset", "ScaleRatio", "ColorTableComponent", "UseMaskBand", "Metadata", "MDI"),
}
_METADATA = ("", "IMAGE_STRUCTURE")
"""Another domain may name a file of overviews."""

_SUBCLASS = "subClass"
"""What computes, warps or reads raw bytes says so here."""


def vrt_sources(path: Path) -> list[Path]:
    """What it is made of; none of it has been looked at.

    Raises:
        RequestError: it is no plain mosaic, or names what isn't a file beside it or by its whole path.
        OSError: it can't be read.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise _no_mosaic(path, f"it has more than {_MOST_BYTES // 1_000_000} MB")
    try:
        root: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise _no_mosaic(path, f"it can't be read: {type(error).__name__}") from None
    for element in root.iter():
        _check_plain(element, path)
    return [_source(element, path) for element in root.iter("SourceFilename")]


def _check_plain(element: Element, path: Path) -> None:
    if element.tag not in _PLAIN:
        raise _no_mosaic(path, f"it has an element {element.tag[:40]!r}")
    if _SUBCLASS in element.attrib:
        raise _no_mosaic(path, f"it is a {element.attrib[_SUBCLASS][:40]!r}")
    if element.tag == "Metadata" and element.get("domain", "") not in _METADATA:
        raise _no_mosaic(path, f"it has metadata for {element.get('domain', '')[:40]!r}")


def _source(element: Element, path: Path) -> Path:
    """GDAL takes the text as it is."""
    text = element.text or ""
    is_relative = element.get("relativeToVRT") == "1"
    if ":" in text or text != text.strip() or os.path.isabs(text) == is_relative:
        raise _no_mosaic(path, f"it names a source {text[:80]!r}")
    return path.parent / text


def _no_mosaic(path: Path, reason: str) -> RequestError:
    return RequestError(
        f"{path.name} is no plain mosaic ({reason}): give one that gdalbuildvrt made of files, or make a GeoTIFF of it"
    )
