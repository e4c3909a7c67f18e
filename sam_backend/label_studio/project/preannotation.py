"""From a task to the regions of its prediction: of the rectangles it has, or of everything in its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.label_choice import choose_label
from sam_backend.label_studio.labeling_config import LabelingConfig
from sam_backend.label_studio.output import Output
from sam_backend.label_studio.palette import with_palette_label
from sam_backend.label_studio.project.prediction_mark import is_ours
from sam_backend.label_studio.project.project_pictures import ProjectPictures
from sam_backend.label_studio.rectangle_masks import mask_regions, prompts_by_picture
from sam_backend.label_studio.request import Task
from sam_backend.label_studio.response import regions_of
from sam_backend.label_studio.smart_prompt import SmartPrompt
from sam_backend.predict.automatic.generator import generate
from sam_backend.predict.automatic.options import AutomaticOptions
from sam_backend.predict.embedding import Embedding
from sam_backend.predict.point_masks import PointMasks


class RegionMaker(Protocol):
    """Makes one task's regions."""

    def regions(self, task: Task) -> list[dict[str, Any]]:
        """None at all is an empty list.

        Raises:
            SamBackendError: the task's pictures can't be had, or make no sense.
        """
        ...


@dataclass(frozen=True, slots=True)
class RectangleMaker:
    """Masks for rectangles of people and of other models."""

    config: LabelingConfig
    pictures: Callable[[], ProjectPictures]
    """Asked only for a task that has rectangles."""

    def regions(self, task: Task) -> list[dict[str, Any]]:
        """See `RegionMaker`."""
        others = tuple(prediction for prediction in task.predictions if not is_ours(prediction))
        regions: list[dict[str, Any]] = []
        for uri, prompts in prompts_by_picture(self.config, replace(task, predictions=others)).items():
            pictures = self.pictures()
            embedding = pictures.embedding(task.id, uri)
            regions += mask_regions(pictures.predictor, embedding, self.config, prompts)
        return regions


@dataclass(frozen=True, slots=True)
class Target:
    """A picture of the labeling config, and what takes the objects found in it."""

    to_name: str
    data_key: str
    label: str | None
    outputs: tuple[Output, ...]


def everything_targets(config: LabelingConfig, chosen_label: str | None) -> tuple[Target, ...]:
    """The pictures that automatic masks are made for.

    Raises:
        OptionsError: a label has to be chosen, or none of the config's tags takes an object.
        RequestError: a ``model_*`` attribute of a tag makes no sense.
    """
    return tuple(
        Target(to_name, key, *choose_label(config, to_name, chosen_label)) for to_name, key in config.variables
    )


@dataclass(frozen=True, slots=True)
class EverythingMaker:
    """Automatic masks of each picture."""

    config: LabelingConfig
    targets: tuple[Target, ...]
    pictures: Callable[[], ProjectPictures]
    options: AutomaticOptions

    def regions(self, task: Task) -> list[dict[str, Any]]:
        """See `RegionMaker`."""
        return [
            region
            for target in self.targets
            for item_index, uri in _addresses(task, target.data_key)
            for region in self._of_picture(task.id, uri, target, item_index)
        ]

    def _of_picture(
        self, task_id: int | None, uri: str, target: Target, item_index: int | None
    ) -> list[dict[str, Any]]:
        pictures = self.pictures()
        image, digest = pictures.pixels(task_id, uri)
        prompt = SmartPrompt(
            to_name=target.to_name,
            label=target.label,
            original_hw=(image.shape[0], image.shape[1]),
            image_rotation=0,
            item_index=item_index,
            points=(),
            rectangle=None,
        )
        regions: list[dict[str, Any]] = []
        for record in generate(_Recalling(pictures, digest, image.shape), image, self.options):
            its_regions = regions_of(record.runs.to_mask(), record.predicted_iou, prompt, target.outputs)
            regions += with_palette_label(its_regions, self.config, target.label)
        return regions


@dataclass(frozen=True, slots=True)
class _Recalling:
    """A model that looks for the embedding of the whole picture among those that were kept."""

    pictures: ProjectPictures
    digest: str
    """Of the picture's file."""

    whole_shape: tuple[int, ...]

    def embed(self, image: NDArray[np.uint8]) -> Embedding:
        predictor = self.pictures.predictor
        if image.shape != self.whole_shape:
            return predictor.embed(image)  # a crop: nobody asks for it again
        return self.pictures.embeddings.get_or_make(predictor, self.digest, lambda: image)

    def decode_points(self, embedding: Embedding, points_xy: NDArray[np.float64], iou_above: float) -> PointMasks:
        return self.pictures.predictor.decode_points(embedding, points_xy, iou_above)


def _addresses(task: Task, data_key: str) -> list[tuple[int | None, str]]:
    """Each picture's place in its list, None where there is no list, and its address."""
    value = task.data.get(data_key)
    if isinstance(value, list):
        return [(index, task.picture_uri(data_key, index)) for index in range(len(value))]
    return [(None, task.picture_uri(data_key))]
