"""Runs that step aside: before each step of the model they let those go who wait for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sam_backend.predict.embedding import Embedding
from sam_backend.predict.point_masks import PointMasks
from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.types import MaskPrediction, Prompts


class Courtesy:
    """Counts the steps that are being taken, so that a process can end between two.

    Args:
        lanes: says when nobody waits for an answer.
    """

    def __init__(self, lanes: EncodeLanes) -> None:
        self.lanes = lanes
        self._changed = threading.Condition()
        self._n_steps = 0
        self._is_closed = False

    @contextmanager
    def step(self) -> Iterator[None]:
        """Wait for one's turn; once `close` was called, for ever: the process is about to end."""
        self.lanes.wait_until_calm()
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._n_steps += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_steps -= 1
                self._changed.notify_all()

    def close(self, timeout_s: float) -> bool:
        """Let nobody begin a step any more; whether all others came to an end in time."""
        with self._changed:
            self._is_closed = True
            return self._changed.wait_for(lambda: self._n_steps == 0, timeout_s)


@dataclass(frozen=True, slots=True, eq=False)
class CourteousPredictor(Predictor):
    """A predictor for work that nobody waits for."""

    courtesy: Courtesy = field(kw_only=True)

    @classmethod
    def of(cls, predictor: Predictor, courtesy: Courtesy) -> CourteousPredictor:
        """The same network."""
        return cls(predictor.network, predictor.name, predictor.version, predictor.device, courtesy=courtesy)

    def embed(self, image: NDArray[np.uint8]) -> Embedding:
        """See `Predictor.embed`."""
        with self.courtesy.lanes.ahead(), self.courtesy.step():
            return Predictor.embed(self, image)  # no super(): a class with slots is made twice

    def segment_batch(
        self, embedding: Embedding, prompts: Sequence[Prompts], multimask: bool = True
    ) -> list[MaskPrediction]:
        """See `Predictor.segment_batch`."""
        with self.courtesy.step():
            return Predictor.segment_batch(self, embedding, prompts, multimask)

    def decode_points(self, embedding: Embedding, points_xy: NDArray[np.float64], iou_above: float) -> PointMasks:
        """See `Predictor.decode_points`."""
        with self.courtesy.step():
            return Predictor.decode_points(self, embedding, points_xy, iou_above)
