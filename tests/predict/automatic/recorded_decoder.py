"""The official generator's recorded decoder outputs, played back to ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sam_backend.model.decoder_memory import DecoderMemory
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.point_masks import PointMasks


@dataclass(frozen=True)
class RecordedCrop:
    points_model_xy: NDArray[np.float64]  # (n, 2)
    low_res_logits: NDArray[np.float32]  # (n, 3, 256, 256)
    predicted_iou: NDArray[np.float32]  # (n, 3)


class RecordedDecoder:
    """Gives each point of each crop the masks recorded for it, in whatever batches the points come."""

    def __init__(self, crops: list[RecordedCrop]) -> None:
        self._crops = crops
        self.n_embedded = 0

    def embed(self, image: NDArray[np.uint8]) -> Embedding:
        frame = ImageFrame((image.shape[0], image.shape[1]), 1024)
        memory = DecoderMemory(ImageFeatures(torch.tensor([self.n_embedded])), torch.zeros(0), shared=None)
        self.n_embedded += 1
        return Embedding(memory=memory, frame=frame, model_version="recorded", encoder_version="recorded")

    def decode_points(self, embedding: Embedding, points_xy: NDArray[np.float64], iou_above: float) -> PointMasks:
        crop = self._crops[int(embedding.features.coarse)]
        model_xy = embedding.frame.image_to_model_xy(points_xy.astype(np.float32))
        distances_px = np.abs(model_xy[:, None] - crop.points_model_xy).max(axis=2)
        nth = distances_px.argmin(axis=1)
        assert distances_px.min(axis=1).max() < 1e-3, "a point that wasn't recorded"
        predicted_iou = crop.predicted_iou[nth].ravel()
        index = np.flatnonzero(predicted_iou > np.float32(iou_above))
        return PointMasks(index, predicted_iou[index], crop.low_res_logits[nth].reshape(-1, 256, 256)[index])


def read_recorded(path: Path, setting: str, has_crops: bool) -> RecordedDecoder:
    """Read a setting's recording: each call is a crop's only batch, or all calls are batches of the one picture."""
    with np.load(path) as recorded:
        n_calls = sum(name.startswith(f"{setting}/") and name.endswith("/iou") for name in recorded.files)
        calls = [
            RecordedCrop(
                recorded[f"{setting}/{call}/points_model_xy"],
                recorded[f"{setting}/{call}/logits_x16"].astype(np.float32) / 16,
                recorded[f"{setting}/{call}/iou"],
            )
            for call in range(n_calls)
        ]
    if has_crops:
        return RecordedDecoder(calls)
    fields = ("points_model_xy", "low_res_logits", "predicted_iou")
    return RecordedDecoder(
        [RecordedCrop(*(np.concatenate([getattr(call, name) for call in calls]) for name in fields))]
    )
