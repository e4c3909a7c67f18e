"""What the page may send; told to the page too, so that it refuses a picture before it is sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sam_backend.settings import Settings

_MOST_MEGAPIXELS = 50
"""Each click answers three or four masks of the picture's size to a browser, which has to draw them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one picture and one click."""

    max_bytes: int
    """Of a picture file."""

    max_pixels: int
    """Of a picture."""

    max_points: int = 100
    """Of one object. Each is a token that every other one attends to."""

    max_request_bytes: int = 1_000_000
    """Of a click: its previous mask has about 20 kB, the points a few hundred bytes."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those of the service, but for pictures too large for a browser."""
        megapixels = min(settings.max_megapixels, _MOST_MEGAPIXELS)
        return cls(
            max_bytes=settings.max_picture_mb * 1_000_000,
            max_pixels=megapixels * 1_000_000,
            max_points=settings.max_prompts,
        )

    def to_json(self) -> dict[str, int]:
        """For the page."""
        return asdict(self)
