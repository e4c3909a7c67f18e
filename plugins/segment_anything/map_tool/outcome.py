"""How long an answer took, and what the status line says."""

from __future__ import annotations

from dataclasses import dataclass

from ..text import tr


@dataclass(frozen=True)
class Steps:
    """Seconds of each step from the click to the preview."""

    render: float
    """A picture of the view, where its file can't be read."""

    wait: float
    """For the engine to start, or to end what it was doing."""

    read: float
    """The pixels of the view."""

    embed: float
    """From pixels to the embedding; next to nothing where the engine knew it."""

    decode: float
    """From prompts to masks."""

    outline: float
    """From masks to polygons."""

    transport: float
    """The rest of the call: the way there and back."""

    draw: float
    """Until the canvas shows the outline."""

    total: float

    def __str__(self) -> str:
        """Those that took a noticeable time."""
        named = (
            (tr("render"), self.render),
            (tr("wait"), self.wait),
            (tr("read"), self.read),
            (tr("embed"), self.embed),
            (tr("decode"), self.decode),
            (tr("outline"), self.outline),
            (tr("transport"), self.transport),
            (tr("draw"), self.draw),
        )
        parts = [f"{name} {spoken_s(seconds)}" for name, seconds in named if seconds >= 0.0005]
        return f"{spoken_s(self.total)}: {' · '.join(parts)}" if parts else spoken_s(self.total)


def spoken_s(seconds: float) -> str:
    """``45 ms`` or ``1.2 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def mask_name(index: int, n_masks: int) -> str:
    """What to call one of the masks, which go from the largest to the smallest."""
    return (tr("whole"), tr("part"), tr("sub-part"))[index] if n_masks <= 3 else tr("mask {0}").format(index + 1)


def spoken_mask(index: int, n_masks: int, score: float, area: str) -> str:
    """One line about the mask that is shown."""
    about = tr("score {0}, {1}").format(f"{score:.2f}", area)
    if n_masks == 1:
        return about
    return tr("mask {0} of {1} ({2}), {3}").format(index + 1, n_masks, mask_name(index, n_masks), about)


def spoken_area(area_m2: float) -> str:
    """``340 m²``, ``2.1 ha`` or ``14 km²``."""
    for size, unit in ((1e6, "km²"), (1e4, "ha")):
        if area_m2 >= size:
            return f"{area_m2 / size:.3g} {unit}"
    return f"{area_m2:.3g} m²" if area_m2 < 1000 else f"{area_m2:.0f} m²"
