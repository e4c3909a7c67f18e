"""Rectangles that a task has already, made into masks in the shapes that the labeling config asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.output import SHAPES, Output, outputs_of
from sam_backend.label_studio.palette import with_palette_label
from sam_backend.label_studio.request import Task
from sam_backend.label_studio.response import regions_of
from sam_backend.label_studio.smart_prompt import SmartPrompt, parse_smart_prompt

if TYPE_CHECKING:
    from sam_backend.predict.embedding import Embedding
    from sam_backend.predict.predictor import Predictor

_MASK_SHAPES = tuple(shape for shape in SHAPES if shape != "rectangle")


def existing_rectangles(task: Task) -> tuple[dict[str, Any], ...]:
    """The rectangles of a task's newest annotation that has any, or else of its newest such draft or prediction.

    A task that somebody skipped keeps an annotation, which counts for nothing.
    """
    annotations = [annotation for annotation in task.annotations if annotation.get("was_cancelled") is not True]
    for regions in (_results(annotations), _results(task.drafts), _results(task.predictions)):
        for result in reversed(regions):
            rectangles = tuple(region for region in result if _is_rectangle(region))
            if rectangles:
                return rectangles
    return ()


def with_rectangles_only(task: Task) -> Task:
    """A task with the same existing rectangles, and the same masks for them, but nothing else of what people drew."""
    rectangles = existing_rectangles(task)
    return Task(task.id, task.data, predictions=({"result": list(rectangles)},) if rectangles else ())


def prompts_by_picture(config: LabelingConfig, task: Task) -> dict[str, list[SmartPrompt]]:
    """The existing rectangles that some tag takes a mask for, by the address of the picture they are on.

    Raises:
        RequestError: the task has no picture where the config says, or the config asks for what makes no sense.
    """
    by_uri: dict[str, list[SmartPrompt]] = {}
    for item in existing_rectangles(task):
        prompt = parse_smart_prompt([item])
        data_key = None if prompt is None else config.data_key(prompt.to_name)
        if prompt is not None and data_key is not None and mask_outputs(config, prompt.to_name, prompt.label):
            by_uri.setdefault(task.picture_uri(data_key, prompt.item_index), []).append(prompt)
    return by_uri


def mask_regions(
    predictor: Predictor, embedding: Embedding, config: LabelingConfig, prompts: Sequence[SmartPrompt]
) -> list[dict[str, Any]]:
    """Segment what is in each rectangle of one picture, all in one pass, and make its regions."""
    named = [(one, asked) for one in prompts if (asked := one.to_prompts(embedding.image_hw)) is not None]
    seen = predictor.segment_batch(embedding, [asked for _, asked in named], multimask=False)
    regions: list[dict[str, Any]] = []
    for (prompt, _), prediction in zip(named, seen, strict=True):
        outputs = mask_outputs(config, prompt.to_name, prompt.label)
        its_regions = regions_of(prediction.masks[0], float(prediction.predicted_iou[0]), prompt, outputs)
        regions += with_palette_label(its_regions, config, prompt.label)
    return regions


def mask_outputs(config: LabelingConfig, to_name: str, label: str | None) -> list[Output]:
    """What answers with the shape of an object; rectangles are there already.

    Raises:
        RequestError: see `outputs_of`.
    """
    return [output for output in outputs_of(config, to_name, label) if output.shape in _MASK_SHAPES]


def takes_masks(config: LabelingConfig) -> bool:
    """Whether some tag on some picture takes the shape of an object, whatever its label."""
    pictures = {to_name for to_name, _ in config.variables}
    return any(
        control.tag.removesuffix("labels") in _MASK_SHAPES
        and control.is_output is not False
        and pictures & set(control.to_names)
        for control in config.controls
    )


def _results(sources: Sequence[dict[str, Any]]) -> list[list[Any]]:
    return [source["result"] for source in sources if isinstance(source.get("result"), list)]


def _is_rectangle(region: object) -> bool:
    return isinstance(region, dict) and region.get("type") in ("rectanglelabels", "rectangle")
