"""Simulated annotators: what each of them sends, in which order, and what comes back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests

from benchmarks.service.bodies import click_body, point_item
from benchmarks.service.running_service import RunningService
from benchmarks.service.spotted import SpottedPicture

N_PICTURES = 4
N_REQUESTS = 3
"""On each picture: a click, the same with a second one, the same with an Alt-click beside the object."""

MOST_TRIES = 10
"""Of a request whose connection broke; the person clicks again."""

Answers = dict[tuple[int, int, int], list[int]]
"""Brush RLE by (person, picture, request)."""


@dataclass(slots=True)
class Visit:
    """What a crowd's work gave."""

    answers: Answers = field(default_factory=dict)
    first_s: list[float] = field(default_factory=list)
    """Of each person's first request on a picture."""

    later_s: list[float] = field(default_factory=list)
    n_broken: int = 0
    """Connections that ended without an answer, and were tried again."""

    statuses: list[int] = field(default_factory=list)
    """Of answers that tell of an error."""


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """People at work on the same pictures, each interleaving them in an order of their own."""

    pictures: Sequence[SpottedPicture]
    url: str
    """Of the server of pictures, which has them under their numbers."""

    def work(self, service: RunningService, people: Sequence[int], pause_s: float = 0.0) -> Visit:
        """All at once; each waits for an answer, then for about ``pause_s``, then goes on."""
        visit = Visit()

        def work(person: int) -> None:
            random = np.random.default_rng([person, 1])
            for picture, request in self.order(person):
                time.sleep(pause_s * random.uniform(0.5, 1.5))
                self._send(service, visit, person, picture, request)

        with ThreadPoolExecutor(len(people)) as threads:
            list(threads.map(work, people))
        return visit

    def one_by_one(self, service: RunningService, people: Sequence[int]) -> Answers:
        """What each gets alone."""
        visit = Visit()
        for person in people:
            for picture, request in self.order(person):
                self._send(service, visit, person, picture, request)
        return visit.answers

    def order(self, person: int) -> list[tuple[int, int]]:
        """(picture, request) as a person sends them: all pictures' first ones, then all second ones."""
        pictures = np.random.default_rng(person).permutation(len(self.pictures)).tolist()
        return [(picture, request) for request in range(N_REQUESTS) for picture in pictures]

    def _send(self, service: RunningService, visit: Visit, person: int, picture: int, request: int) -> None:
        body = self._body(person, picture, request)
        for _ in range(MOST_TRIES):
            try:
                answer, took_s = service.ask(body)
            except requests.HTTPError as error:
                visit.statuses.append(error.response.status_code)
                return
            except requests.ConnectionError:
                visit.n_broken += 1
                time.sleep(0.5)
                continue
            visit.answers[person, picture, request] = _rle(answer)
            (visit.later_s if request else visit.first_s).append(took_s)
            return

    def _body(self, person: int, picture: int, request: int) -> dict[str, Any]:
        spotted = self.pictures[picture]
        height, width = spotted.image_hw
        random = np.random.default_rng([person, picture])
        centre_xy = spotted.centres_xy[random.integers(len(spotted.centres_xy))]
        away_xy = np.array([[0, 0], [8, 5], [0.2 * width, 0.1 * height]]) + random.normal(0, 2, (N_REQUESTS, 2))
        clicks_pct = (100 * (centre_xy + away_xy) / (width, height)).clip(0, 99.9).tolist()
        items = [
            point_item(x, y, spotted.image_hw, f"{person}-{picture}-{number}", is_positive=number < 2)
            for number, (x, y) in enumerate(clicks_pct[: request + 1])
        ]
        return click_body(f"{self.url}{picture}", items, task_id=picture, user=f"{person}@example.org")


def _rle(answer: dict[str, Any]) -> list[int]:
    result = answer["results"][0].get("result")
    return list(result[0]["value"]["rle"]) if result else []
