"""The same clicks by the official predictor, with the Label Studio SDK's encoder for the answer."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from segment_anything import SamPredictor
from segment_anything.modeling import Sam as OfficialSam

from benchmarks.suite.sdk import SdkBrush
from benchmarks.suite.turns import clocked


@dataclass(eq=False)
class OfficialClicks:
    """Each method does the work once and tells the seconds; the way to the SDK's process isn't counted."""

    network: OfficialSam
    sdk: SdkBrush
    image: NDArray[np.uint8]
    spots_xy: NDArray[np.float64]
    _n_clicks: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Embed the picture for warm clicks."""
        self._warm = SamPredictor(self.network)
        self._warm.set_image(self.image)

    def warm(self) -> float:
        """A click on a picture that is embedded, to the brush RLE of the best of three masks."""
        return self._click(self._warm)

    def cold(self) -> float:
        """The same with embedding it first."""
        predictor = SamPredictor(self.network)
        return clocked(lambda: predictor.set_image(self.image))() + self._click(predictor)

    def _click(self, predictor: SamPredictor) -> float:
        spot_xy = self.spots_xy[next(self._n_clicks) % len(self.spots_xy)][None]
        found: list[NDArray[np.bool_]] = []

        def predict() -> None:
            masks, iou, _ = predictor.predict(spot_xy, np.ones(1, np.int64), multimask_output=True)
            found.append(masks[iou.argmax()])

        predict_s = clocked(predict)()
        return predict_s + self.sdk.encode_s(found[0])
