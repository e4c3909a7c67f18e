"""Many users at one service: how they click, and what becomes of each click."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from urllib3.exceptions import NewConnectionError

from benchmarks.service.bodies import CONFIG, click_body, point_item
from benchmarks.service.running_service import RunningService

CONFIG_WITH_MESSAGES = CONFIG.replace("</View>", '<TextArea name="said" toName="image"/></View>')
PATIENCE_S = 100.0
"""Label Studio's own."""

MASK, MESSAGE, REFUSED, LOST, HUNG = "mask", "message", "connection refused", "connection lost", "no answer in 100 s"
Click = Callable[[int, int], dict[str, Any]]
"""The body of a user's n-th click."""


@dataclass(slots=True)
class Outcome:
    """What became of all clicks."""

    counts: Counter[str] = field(default_factory=Counter)
    """By `MASK`, `MESSAGE`, an HTTP status or what happened to the connection."""

    seconds: list[float] = field(default_factory=list)
    """Of clicks that were answered with a mask."""

    longest_s: float = 0.0
    """Until any answer, whatever it was."""

    took_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Clicks answered with a mask."""
        return len(self.seconds) / self.took_s


def clicks_on(url: str, spots_xy: NDArray[np.float64], image_hw: tuple[int, int], n_pictures: int) -> Click:
    """Each user on a picture of their own, as long as there are enough, and from spot to spot."""

    def body(user: int, number: int) -> dict[str, Any]:
        spot_xy = spots_xy[(user + number) % len(spots_xy)]
        x_pct, y_pct = (100 * spot_xy / (image_hw[1], image_hw[0])).tolist()
        item = point_item(x_pct, y_pct, image_hw, f"{user}-{number}")
        picture = user % n_pictures
        asked = click_body(f"{url}{picture}.jpg", [item], task_id=picture, user=f"{user}@example.org")
        return asked | {"label_config": CONFIG_WITH_MESSAGES}

    return body


def keep_clicking(service: RunningService, click: Click, users: Sequence[int], until: Callable[[int], bool]) -> Outcome:
    """All users at once, each without a pause until ``until`` says so of the clicks they made, or nobody listens."""
    outcome, lock = Outcome(), threading.Lock()
    started_s = time.perf_counter()

    def work(user: int) -> None:
        session, number = requests.Session(), 0
        while not until(number):
            asked_s = time.perf_counter()
            what = _ask(session, service, click(user, number))
            took_s = time.perf_counter() - asked_s
            with lock:
                outcome.counts[what] += 1
                outcome.longest_s = max(outcome.longest_s, took_s)
                if what == MASK:
                    outcome.seconds.append(took_s)
            if what in (REFUSED, LOST):
                return
            number += 1

    with ThreadPoolExecutor(len(users)) as threads:
        list(threads.map(work, users))
    outcome.took_s = time.perf_counter() - started_s
    return outcome


def _ask(session: requests.Session, service: RunningService, body: dict[str, Any]) -> str:
    """As Label Studio does, over a new connection each time."""
    try:
        answer = session.post(f"{service.url}/predict", json=body, timeout=PATIENCE_S, headers={"Connection": "close"})
    except requests.Timeout:
        return HUNG
    except requests.ConnectionError as error:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        return REFUSED if isinstance(reason, NewConnectionError) else LOST
    if answer.status_code != 200:
        return str(answer.status_code)
    result = answer.json()["results"][0].get("result") or [{}]
    return MESSAGE if result[0].get("type") == "textarea" else MASK if result[0] else "nothing"
