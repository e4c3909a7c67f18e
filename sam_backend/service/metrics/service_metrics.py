"""Every figure that the service counts itself; other rooms hand in collectors of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from sam_backend.service.encode_desk import Source
from sam_backend.service.metrics.shared_folder import FOLDER_VARIABLE

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 100)
"""Upper ends of buckets: from a warm click on a GPU to where Label Studio gives up."""

_PREFIX = "sam_backend"
_SUM_OF_THE_LIVING: Literal["livesum"] = "livesum"
"""What several workers show of a gauge."""

ErrorPlace = Literal["request", "click", "ahead", "cache"]


class ServiceMetrics:
    """For use from many threads, and many workers where `FOLDER_VARIABLE` was set before this module was imported."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._shown = self._own
        if FOLDER_VARIABLE in os.environ:
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown)  # type: ignore[no-untyped-call]
        self._levels: list[tuple[Gauge, Callable[[], float]]] = []
        self._requests = self._counter("requests", "Requests that were answered", "route", "method", "status")
        self._request_seconds = self._histogram("request_seconds", "From a request to its answer", "route")
        self._click_seconds = self._histogram("click_seconds", "Clicks that were answered with a mask", "picture")
        self._stage_seconds = self._histogram("click_stage_seconds", "Parts of such clicks", "stage", "picture")
        self._encode_seconds = self._histogram("encode_seconds", "Encoding a picture", "lane")
        self._refusals = self._counter("encodings_refused", "People told that encoding takes longer", "reason")
        self._lookups = self._counter("embedding_lookups", "Embeddings handed out, by where they were", "source")
        self._errors = self._counter("errors", "What went wrong, by the kind of error", "place", "error")

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        self.refresh_levels()

    def click(self, *, was_known: bool, fetch_s: float, embed_s: float, mask_s: float) -> None:
        """Somebody clicked and got a mask."""
        picture = "warm" if was_known else "cold"
        for stage, seconds in (("fetch", fetch_s), ("embed", embed_s), ("mask", mask_s)):
            self._stage_seconds.labels(stage, picture).observe(seconds)
        self._click_seconds.labels(picture).observe(fetch_s + embed_s + mask_s)

    def encoded(self, seconds: float, *, is_ahead: bool) -> None:
        """See `EncodeWatch`."""
        self._encode_seconds.labels("ahead" if is_ahead else "person").observe(seconds)

    def refused(self, *, is_late: bool) -> None:
        """See `EncodeWatch`."""
        self._refusals.labels("late" if is_late else "full").inc()

    def asked(self, source: Source) -> None:
        """An embedding was handed out."""
        self._lookups.labels(source).inc()

    def error(self, place: ErrorPlace, error: Exception) -> None:
        """Something went wrong."""
        self._errors.labels(place, type(error).__name__).inc()

    def watch_level(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """Show how much there is of something now: in this process, and with several workers in all of them."""
        gauge = Gauge(f"{_PREFIX}_{name}", meaning, registry=self._own, multiprocess_mode=_SUM_OF_THE_LIVING)
        self._levels.append((gauge, read))

    def refresh_levels(self) -> None:
        """Read all levels anew; other workers show what was read last."""
        for gauge, read in self._levels:
            gauge.set(read())

    def add_collector(self, collector: Collector) -> None:
        """Show what ``collector`` gives whenever somebody looks; whichever worker is asked must give the same."""
        self._shown.register(collector)

    def show(self, accept: str) -> tuple[bytes, str]:
        """All figures, and the media type they are in: the best one that ``accept`` names."""
        self.refresh_levels()
        encode, media_type = choose_encoder(accept)
        return encode(self._shown), media_type

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", meaning, labels, registry=self._own)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(f"{_PREFIX}_{name}", meaning, labels, registry=self._own, buckets=_SECONDS)
