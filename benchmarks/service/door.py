"""A service of which clicks are asked, in each state that a picture can be in."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.service.bodies import brush_region, click_body, jpeg, point_item, task_body
from benchmarks.service.running_service import RunningService
from benchmarks.suite.scene import mask
from sam_backend.masks.rle_brush import encode_brush_rle

DRAFT_BYTES = 7_000_000
LEAST_EMBEDDING_BYTES = 1_000_000
WAIT_S = 300.0
USER = "annotator@example.org"


@dataclass(eq=False)
class Door:
    """Each method asks once and tells the seconds from request to response."""

    service: RunningService
    pictures_url: str
    files: MutableMapping[str, bytes]
    """What the server of pictures has."""

    cache: Path
    """Folder in which the service keeps embeddings."""

    image: NDArray[np.uint8]
    spots_xy: NDArray[np.float64]
    name: str
    """Begins the names of its pictures, so that no other service's are asked for."""

    _n_clicks: itertools.count[int] = field(default_factory=itertools.count)
    _n_pictures: itertools.count[int] = field(default_factory=itertools.count)
    _warm_task: int | None = None

    def __post_init__(self) -> None:
        """Prepare the drafts: ragged masks, accepted but not yet saved."""
        hw = (self.image.shape[0], self.image.shape[1])
        rle = encode_brush_rle(mask(hw, is_ragged=True))
        one = brush_region(rle, hw, "region0")
        self.n_draft_regions = -(-DRAFT_BYTES // len(json.dumps(one)))
        self._draft = [one | {"id": f"region{number}"} for number in range(self.n_draft_regions)]
        self.draft_mb = len(json.dumps(self._draft)) / 1e6

    def warm(self) -> float:
        """A click on the picture that was asked for first, on another object each time."""
        return self._click(self._warm(), [])

    def with_drafts(self) -> float:
        """The same, and all unsaved work comes along."""
        return self._click(self._warm(), self._draft)

    def cold(self) -> float:
        """A click on a picture never seen."""
        task = self._new_picture()
        if self._warm_task is None:
            self._warm_task = task
        return self._click(task, [])

    def prewarmed(self) -> float:
        """The first click on a picture whose task was opened and then left alone until all was ready."""
        task, n_before = self._new_picture(), self._n_kept()
        self.service.ask(task_body(self._url(task), task))
        until_s = time.monotonic() + WAIT_S
        while self._n_kept() == n_before:
            if time.monotonic() > until_s:
                raise RuntimeError(f"the picture of an opened task wasn't encoded within {WAIT_S:.0f} s")
            time.sleep(0.05)
        time.sleep(0.5)  # what follows the writing, and the server's own calm
        return self._click(task, [])

    def _click(self, task: int, draft: list[dict[str, Any]]) -> float:
        number = next(self._n_clicks)
        height, width = self.image.shape[:2]
        x_pct, y_pct = (100 * self.spots_xy[number % len(self.spots_xy)] / (width, height)).tolist()
        item = point_item(x_pct, y_pct, (height, width), f"click{number}")
        answer, took_s = self.service.ask(click_body(self._url(task), [item], task, USER, draft))
        if not answer["results"][0].get("result"):
            raise RuntimeError(f"a click at {x_pct:.1f}, {y_pct:.1f} % was answered without a mask: {answer}")
        return took_s

    def _warm(self) -> int:
        if self._warm_task is None:
            raise RuntimeError("no picture is warm yet: ask for a cold one first")
        return self._warm_task

    def _new_picture(self) -> int:
        """The same picture but for one pixel, so that it is unknown and its objects lie where they did."""
        number = next(self._n_pictures)
        changed = self.image.copy()
        changed[:8, :8] = 16 * (number % 16)
        changed[8:16, :8] = 16 * (number // 16)
        self.files[f"{self.name}{number}.jpg"] = jpeg(changed)
        return number

    def _url(self, task: int) -> str:
        return f"{self.pictures_url}{self.name}{task}.jpg"

    def _n_kept(self) -> int:
        """Embeddings; sessions and locks are smaller."""
        values = self.cache / "values"
        return sum(path.stat().st_size > LEAST_EMBEDDING_BYTES for path in values.iterdir()) if values.is_dir() else 0
