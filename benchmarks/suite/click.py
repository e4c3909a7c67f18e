"""Prompts on an embedding that is there: one click, one box, 64 clicks, and a click up to Label Studio's brush RLE."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import SamImageProcessor

from benchmarks.suite.measurement import OFFICIAL, OURS, TRANSFORMERS, Measurement
from benchmarks.suite.networks import Prompted
from benchmarks.suite.rivals import each_at_home
from benchmarks.suite.stage import CLICK_GFLOP, Stage
from benchmarks.suite.turns import Timed, clocked, take_turns
from sam_backend import Prompts, load_sam
from sam_backend.masks.rle_brush import encode_brush_rle

PART = "click"
N_TURNS = 15
N_BATCH = 64
CLICK_XY = (700.0, 500.0)
BOX_XYXY = (400.0, 250.0, 1100.0, 800.0)


@torch.inference_mode()
def measure_click(stage: Stage) -> Iterator[Measurement]:
    """Yield the cases."""
    n = stage.turns(N_TURNS)
    yield take_turns(PART, "one click, three full-size masks", each_at_home(stage, clicks), n, gflop=CLICK_GFLOP)
    yield take_turns(PART, "one box, one full-size mask", each_at_home(stage, boxes), n, gflop=CLICK_GFLOP)
    yield take_turns(PART, "one click, full-size mask, brush RLE", each_at_home(stage, brush_clicks), n)
    batch = each_at_home(stage, batches, 4 if stage.is_quick else N_BATCH)
    yield take_turns(PART, f"{N_BATCH} clicks, low-res logits", batch, stage.turns(3), gflop=N_BATCH * CLICK_GFLOP)
    yield take_turns(PART, "one click by the embedded model", _embedded_click(stage), n)


def clicks(stage: Stage) -> dict[str, Timed]:
    """A click, to three masks of the picture's size."""
    prompted = stage.prompted
    ours, embedding, official = prompted.networks.ours, prompted.ours(), prompted.official()
    click = Prompts.of(points=[(*CLICK_XY, True)])
    label = np.ones(1, np.int64)
    return {
        OURS: clocked(lambda: ours.segment(embedding, click)),
        OFFICIAL: clocked(lambda: official.predict(np.array([CLICK_XY]), label, multimask_output=True)),
        TRANSFORMERS: clocked(lambda: _transformers_masks(prompted, points_xy=CLICK_XY)),
    }


def boxes(stage: Stage) -> dict[str, Timed]:
    """A box, to one mask of the picture's size."""
    prompted = stage.prompted
    ours, embedding, official = prompted.networks.ours, prompted.ours(), prompted.official()
    box = Prompts.of(box_xyxy=BOX_XYXY)
    return {
        OURS: clocked(lambda: ours.segment(embedding, box, multimask=False)),
        OFFICIAL: clocked(lambda: official.predict(box=np.array(BOX_XYXY), multimask_output=False)),
        TRANSFORMERS: clocked(lambda: _transformers_masks(prompted, box_xyxy=BOX_XYXY)),
    }


def brush_clicks(stage: Stage) -> dict[str, Timed]:
    """A click, to the brush RLE of the best of three full-size masks: what the Label Studio editor waits for."""
    prompted, sdk = stage.prompted, stage.sdk
    ours, embedding, official = prompted.networks.ours, prompted.ours(), prompted.official()
    click = Prompts.of(points=[(*CLICK_XY, True)])

    def with_ours() -> None:
        prediction = ours.segment_one(embedding, click, lambda _, predicted_iou: int(predicted_iou.argmax()))
        encode_brush_rle(prediction.masks[0])

    def with_official() -> float:
        found: list[NDArray[np.bool_]] = []

        def predict() -> None:
            masks, iou, _ = official.predict(np.array([CLICK_XY]), np.ones(1, np.int64), multimask_output=True)
            found.append(masks[iou.argmax()])

        predict_s = clocked(predict)()
        return predict_s + sdk.encode_s(found[0])

    return {OURS: clocked(with_ours), OFFICIAL: with_official}


def batches(stage: Stage, n: int) -> dict[str, Timed]:
    """Single clicks, n of them on objects of their own, to low-res logits: the decoder and nothing else.

    Ours leaves out the rows and columns of logits that no pixel of the picture needs.
    """
    prompted = stage.prompted
    networks, frame = prompted.networks, prompted.frame
    coarse, official, embedding = prompted.features.coarse, networks.official, prompted.ours()
    height, width = frame.image_hw
    image_xy = np.random.default_rng(0).uniform(0, (width, height), (n, 2))
    points_xy = torch.from_numpy(frame.image_to_model_xy(image_xy.astype(np.float32)))[:, None]
    labels = torch.ones(n, 1, dtype=torch.int64)

    def with_ours() -> None:
        networks.ours.decode_points(embedding, image_xy, iou_above=-np.inf)

    def with_official() -> None:
        sparse, dense = official.prompt_encoder(points=(points_xy, labels), boxes=None, masks=None)
        official.mask_decoder(coarse, official.prompt_encoder.get_dense_pe(), sparse, dense, multimask_output=True)

    def with_transformers() -> None:
        networks.transformers(image_embeddings=coarse, input_points=points_xy[None], input_labels=labels[None])

    return {
        OURS: clocked(with_ours),
        OFFICIAL: clocked(with_official),
        TRANSFORMERS: clocked(with_transformers),
    }


def _transformers_masks(
    prompted: Prompted, points_xy: tuple[float, float] | None = None, box_xyxy: tuple[float, ...] | None = None
) -> None:
    """Full-size masks the way of `transformers`: its model, then its processor's enlargement."""
    frame = prompted.frame
    scale = frame.resized_hw[0] / frame.image_hw[0]
    answer = prompted.networks.transformers(
        image_embeddings=prompted.features.coarse,
        input_points=None if points_xy is None else torch.tensor([[[points_xy]]]) * scale,
        input_labels=None if points_xy is None else torch.ones(1, 1, 1, dtype=torch.int64),
        input_boxes=None if box_xyxy is None else torch.tensor([[box_xyxy]]) * scale,
        multimask_output=points_xy is not None,
    )
    SamImageProcessor().post_process_masks(
        answer.pred_masks, original_sizes=[frame.image_hw], reshaped_input_sizes=[frame.resized_hw]
    )


def _embedded_click(stage: Stage) -> dict[str, Timed]:
    predictor = load_sam("embedded", device="cpu")
    embedding = predictor.embed(stage.image)
    click = Prompts.of(points=[(*CLICK_XY, True)])
    return {OURS: clocked(lambda: predictor.segment(embedding, click))}
