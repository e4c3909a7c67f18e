"""The two calls everything is built on: ``embed`` a picture, ``segment`` it by prompts. Both are pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam_backend.errors import DeviceError, ImageError, PromptError
from sam_backend.model.checkpoint import EMBEDDED_NAME, checkpoint_name, checkpoint_version, load_network
from sam_backend.model.compiler import compile_network
from sam_backend.model.cores import map_on_cores
from sam_backend.model.image_encoder import ImageFeatures
from sam_backend.model.prompt_encoder import PromptTensors
from sam_backend.model.sam import Sam
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.frame import ImageFrame
from sam_backend.predict.point_masks import PointMasks
from sam_backend.predict.tracing.drawing import draw_masks
from sam_backend.types import MaskPrediction, Prompts

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""The number types a network can run in."""

CPU_PROMPTS_AT_ONCE = 4
"""Decoded together on a CPU. The picture of each prompt is 4 MB wide at the official sizes, and several such must stay
in the cache."""

Part = TypeVar("Part")
Result = TypeVar("Result")

ChooseMask: TypeAlias = "Callable[[NDArray[np.float32], NDArray[np.float32]], int]"
"""From low-res logits (n, h, w) of the part that shows the picture, object where > 0, and predicted IoU (n,) to the
index of a mask."""


def load_sam(
    path_or_name: str = EMBEDDED_NAME, device: str = "auto", dtype: str = "float32", compiled: bool = False
) -> Predictor:
    """Load a network, ready to embed and segment.

    Args:
        path_or_name: ``embedded``, an official name such as ``vit_b``, or the path of a checkpoint.
        device: ``auto`` (CUDA, else Apple's MPS, else the CPU) or a PyTorch device such as ``cuda:1``.
        dtype: ``float32`` or ``bfloat16``.
        compiled: by PyTorch's compiler, see `compile_network`: worth its first minute where many pictures follow.

    Raises:
        CheckpointError: the weights are missing, damaged or don't fit.
        DeviceError: the device, number type or compiler isn't to be had here.
    """
    if dtype not in DTYPES:
        raise DeviceError(f"the number type {dtype!r} isn't known: choose one of {', '.join(DTYPES)}")
    target = find_device(device)
    network = load_network(path_or_name).to(target)
    for parameter in network.parameters():  # not the buffers: a position's phase doesn't fit in half precision
        parameter.data = parameter.data.to(DTYPES[dtype])
    if compiled:
        compile_network(network, target)
    return Predictor(
        network=network.requires_grad_(False),
        name=checkpoint_name(path_or_name),
        version=checkpoint_version(path_or_name),
        device=target,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A network with its weights. Holds no state between calls, so threads may share one."""

    network: Sam
    name: str
    """What people call the model: ``embedded``, ``vit_b``, or its file's name."""

    version: str
    """The name and a hash of the weights."""

    device: torch.device

    encoder_version: str = ""
    """What names its image encoder: ``version``, or that of the model whose decoder was tuned to make it. Models that
    agree in it can read each other's features."""

    _position: Tensor = field(init=False, repr=False)
    """Where the cells of an embedding lie: the same for all pictures."""

    def __post_init__(self) -> None:
        """Compute what all pictures share."""
        object.__setattr__(self, "encoder_version", self.encoder_version or self.version)
        with torch.inference_mode():
            object.__setattr__(self, "_position", self.network.grid_position())

    @torch.inference_mode()
    def embed(self, image: NDArray[np.uint8]) -> Embedding:
        """Encode a picture: the slow half, once per picture.

        Args:
            image: (h, w, 3) RGB.

        Raises:
            ImageError: another shape or number type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ImageError(f"a picture needs the shape (h, w, 3) and 8-bit RGB, got {image.shape} of {image.dtype}")
        frame = ImageFrame(image_hw=(image.shape[0], image.shape[1]), model_size=self.network.image_size)
        rgb = torch.tensor(frame.resize_picture(image), device=self.device).permute(2, 0, 1)[None].float()
        return self._remember(self.network.encode_image(rgb), frame)

    @torch.inference_mode()
    def recall(self, features: ImageFeatures, image_hw: tuple[int, int]) -> Embedding:
        """Make an embedding of features that this image encoder gave earlier, for a picture of ``image_hw``."""
        like = self.network.mask_decoder.iou_token.weight
        coarse, *fine = (part.to(like.device, like.dtype) for part in (features.coarse, *features.fine))
        frame = ImageFrame(image_hw=image_hw, model_size=self.network.image_size)
        return self._remember(ImageFeatures(coarse, tuple(fine)), frame)

    def _remember(self, features: ImageFeatures, frame: ImageFrame) -> Embedding:
        memory = self.network.remember(features, self._position)
        return Embedding(memory=memory, frame=frame, model_version=self.version, encoder_version=self.encoder_version)

    def segment(self, embedding: Embedding, prompts: Prompts, multimask: bool = True) -> MaskPrediction:
        """Decode one object's prompts: the fast half.

        Args:
            embedding: of this very model.
            prompts: in image px.
            multimask: three masks for an ambiguous prompt (one click: whole, part, sub-part), or the single one,
                which is better for several clicks or a box.

        Raises:
            PromptError: a prompt lies outside the picture, or embedding or mask come from another model.
        """
        return self.segment_batch(embedding, [prompts], multimask)[0]

    @torch.inference_mode()
    def segment_one(
        self, embedding: Embedding, prompts: Prompts, choose: ChooseMask, multimask: bool = True
    ) -> MaskPrediction:
        """Decode like `segment`, but draw one of the masks alone: at full size each costs a tenth of a click.

        Args:
            embedding: of this very model.
            prompts: in image px.
            choose: which mask to draw.
            multimask: as in `segment`.

        Raises:
            PromptError: as `segment`.
        """
        self._check_own(embedding)
        checked = _fit_to_picture(prompts, embedding.frame, self.network.low_res_size)
        logits, iou = self._decode(embedding, [checked], multimask)
        height, width = embedding.frame.seen_low_res_hw(self.network.low_res_size)
        index = choose(logits[0, :, :height, :width].float().cpu().numpy(), iou[0].float().cpu().numpy())
        return _draw(embedding.frame, logits[0, index : index + 1], iou[0, index : index + 1])

    @torch.inference_mode()
    def segment_batch(
        self, embedding: Embedding, prompts: Sequence[Prompts], multimask: bool = True
    ) -> list[MaskPrediction]:
        """Decode several objects of one picture at once; answers in the order of the prompts. See `segment`."""
        self._check_own(embedding)
        checked = [_fit_to_picture(one, embedding.frame, self.network.low_res_size) for one in prompts]
        batches = [batch for group in _alike(checked) for batch in _cut(group, self._at_once(len(group)))]

        def answer(batch: list[int]) -> list[MaskPrediction]:
            logits, iou = self._decode(embedding, [checked[index] for index in batch], multimask)
            return [_draw(embedding.frame, *one) for one in zip(logits, iou, strict=True)]

        answers: dict[int, MaskPrediction] = {}
        for batch, answered in zip(batches, self._map(answer, batches), strict=True):
            answers.update(zip(batch, answered, strict=True))
        return [answers[index] for index in range(len(checked))]

    @torch.inference_mode()
    def decode_points(self, embedding: Embedding, points_xy: NDArray[np.float64], iou_above: float) -> PointMasks:
        """Decode single clicks to low-res logits, three masks each, of which only the promising ones are handed out.

        Args:
            embedding: of this very model.
            points_xy: (n, 2) in image px, each on an object of its own.
            iou_above: what a mask's predicted IoU must exceed; minus infinity keeps all.

        Raises:
            PromptError: the embedding comes from another model.
        """
        self._check_own(embedding)
        model_xy = torch.from_numpy(embedding.frame.image_to_model_xy(points_xy.astype(np.float32)))[:, None]

        def decode(batch_xy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return self._decode_points(embedding, batch_xy.to(self.device), iou_above)

        batches = self._map(decode, torch.split(model_xy, self._at_once(len(model_xy))))
        iou, keep, logits = (torch.cat(parts).cpu() for parts in zip(*batches, strict=True))
        index = np.flatnonzero(keep.numpy())
        predicted_iou = iou.float().flatten().numpy()[index]
        return PointMasks(index=index, predicted_iou=predicted_iou, low_res_logits=logits.float().numpy())

    def _decode_points(self, embedding: Embedding, model_xy: Tensor, iou_above: float) -> tuple[Tensor, Tensor, Tensor]:
        """Predicted IoU (b, 3) of clicks (b, 1, 2), whether it is above the limit, and the logits of those that are."""
        are_foreground = torch.ones(model_xy.shape[:2], dtype=torch.bool, device=self.device)
        clicks = PromptTensors(points_xy=model_xy, is_foreground=are_foreground)
        decoded = self.network.attend(embedding.memory, clicks, multimask=True)
        keep = decoded.iou.float() > iou_above
        seen_hw = embedding.frame.seen_low_res_hw(self.network.low_res_size)
        return decoded.iou, keep, self.network.upscale_some(embedding.memory, decoded, keep, seen_hw)

    def _at_once(self, n: int) -> int:
        """How many of n prompts to decode together: what fits in a CPU's cache and leaves no core idle, or all."""
        if self.device.type != "cpu":
            return max(1, n)
        return min(CPU_PROMPTS_AT_ONCE, max(1, math.ceil(n / torch.get_num_threads())))

    def _map(self, work: Callable[[Part], Result], batches: Sequence[Part]) -> list[Result]:
        return map_on_cores(work, batches) if self.device.type == "cpu" else [work(batch) for batch in batches]

    def _check_own(self, embedding: Embedding) -> None:
        if embedding.model_version != self.version:
            raise PromptError(
                f"the embedding was made by {embedding.model_version}, not by {self.version}: embed again"
            )

    def _decode(self, embedding: Embedding, prompts: list[Prompts], multimask: bool) -> tuple[Tensor, Tensor]:
        """Low-res logits (b, m, low, low) and predicted IoU (b, m)."""
        tensors = _to_tensors(prompts, embedding.frame, self.device, self.network.mask_decoder.iou_token.weight.dtype)
        decoded = self.network.attend(embedding.memory, tensors, multimask)
        return self.network.upscale(embedding.memory, decoded), decoded.iou


def find_device(device: str) -> torch.device:
    """The device that a name means; ``auto`` is CUDA, else Apple's MPS, else the CPU.

    Raises:
        DeviceError: it isn't to be had here.
    """
    if device == "auto":
        accelerators = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        return torch.device(next((name for name, there in accelerators.items() if there), "cpu"))
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n", 1)[0]
        raise DeviceError(
            f"the device {device!r} can't be used ({reason}): choose auto, cpu or one that is here"
        ) from None
    return found


def _draw(frame: ImageFrame, low_res_logits: Tensor, predicted_iou: Tensor) -> MaskPrediction:
    """Masks at full size of low-res logits (n, low, low) and predicted IoU (n,)."""
    return MaskPrediction(
        masks=draw_masks(frame, low_res_logits),
        predicted_iou=predicted_iou.float().cpu().numpy(),
        low_res_logits=low_res_logits.float().cpu().numpy(),
    )


def _fit_to_picture(prompts: Prompts, frame: ImageFrame, low_res_size: int) -> Prompts:
    height, width = frame.image_hw
    outside = ((prompts.points_xy < 0) | (prompts.points_xy > (width, height))).any(axis=1)
    if outside.any():
        x, y = prompts.points_xy[outside][0]
        raise PromptError(f"the point {x:g},{y:g} lies outside the picture, which is {width} x {height}")
    mask = prompts.mask_logits
    if mask is not None and mask.shape != (low_res_size, low_res_size):
        raise PromptError(
            f"a mask prompt of this model has the shape ({low_res_size}, {low_res_size}), got {mask.shape}: "
            "pass one of a prediction's low_res_logits"
        )
    return Prompts(prompts.points_xy, prompts.is_foreground, _clip_box(prompts.box_xyxy, frame), mask)


def _clip_box(box_xyxy: NDArray[np.float32] | None, frame: ImageFrame) -> NDArray[np.float32] | None:
    if box_xyxy is None:
        return None
    height, width = frame.image_hw
    clipped: NDArray[np.float32] = box_xyxy.clip(0, np.array([width, height, width, height], np.float32))
    if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        corners = ",".join(f"{value:g}" for value in box_xyxy)
        raise PromptError(f"the box {corners} lies outside the picture, which is {width} x {height}")
    return clipped


def _alike(prompts: Sequence[Prompts]) -> list[list[int]]:
    """Indices of prompts that fit in one batch: padding would add tokens, and tokens change the answer."""
    groups: dict[tuple[int, bool, bool], list[int]] = defaultdict(list)
    for index, one in enumerate(prompts):
        groups[len(one.points_xy), one.box_xyxy is not None, one.mask_logits is not None].append(index)
    return list(groups.values())


def _cut(indices: list[int], n_most: int) -> list[list[int]]:
    return [indices[start : start + n_most] for start in range(0, len(indices), n_most)]


def _to_tensors(prompts: list[Prompts], frame: ImageFrame, device: torch.device, dtype: torch.dtype) -> PromptTensors:
    points_xy = np.stack([frame.image_to_model_xy(one.points_xy) for one in prompts])
    is_foreground = np.stack([one.is_foreground for one in prompts])
    boxes = [frame.image_to_model_xyxy(one.box_xyxy) for one in prompts if one.box_xyxy is not None]
    masks = [one.mask_logits for one in prompts if one.mask_logits is not None]
    return PromptTensors(
        points_xy=torch.from_numpy(points_xy).to(device),
        is_foreground=torch.from_numpy(is_foreground).to(device),
        box_xyxy=torch.from_numpy(np.stack(boxes)).to(device) if boxes else None,
        mask_logits=torch.from_numpy(np.stack(masks)[:, None]).to(device, dtype) if masks else None,
    )
