"""One column of the table: a data set, the objects drawn from it, and what everyone makes of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_backend.errors import DatasetError
from sam_backend.evaluation.toolbox import Toolbox, score_tools
from sam_backend.predict.predictor import Predictor
from sam_backend.training.prompted_iou import CHUNK, Answer, Row, read_objects, score_prompts
from sam_backend.training.sample import LabelledPicture, PictureSet


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """All answers on one data set; object i is the same in every row."""

    name: str
    n_pictures: int
    """Pictures that objects were drawn from."""

    iou: Mapping[Row, NDArray[np.float64]]
    """Each (n,)."""

    predicted_iou: Mapping[Row, NDArray[np.float64]]
    """Each (n,), of the rows whose maker says what it expects."""

    @property
    def n_objects(self) -> int:
        """How many objects were scored."""
        return len(next(iter(self.iou.values())))

    def mean_iou(self, row: Row) -> float:
        """The mean over objects, each counting once."""
        return float(self.iou[row].mean())


def make_column(name: str, n_pictures: int, scores: Sequence[Mapping[Row, Answer]]) -> Column:
    """Turn answers by object into answers by row.

    Raises:
        DatasetError: there are no objects.
    """
    if not scores:
        raise DatasetError(f"{name} has no objects of a size to score: give pictures with labelled objects")
    trusts = {row: [one[row].predicted_iou for one in scores] for row in scores[0]}
    return Column(
        name=name,
        n_pictures=n_pictures,
        iou={row: np.array([one[row].iou for one in scores]) for row in scores[0]},
        predicted_iou={row: np.array(some, np.float64) for row, some in trusts.items() if None not in some},
    )


def evaluate_pictures(
    predictor: Predictor,
    name: str,
    pictures: PictureSet,
    toolbox: Toolbox,
    max_objects: int | None = None,
    seed: int = 0,
) -> Column:
    """Score a model and tools on the same objects of a data set.

    Args:
        predictor: the model.
        name: the column's.
        pictures: any data set.
        toolbox: what stands beside the model.
        max_objects: draw as many objects, each as likely as any other; all of them where None.
        seed: of the draw.

    Raises:
        DatasetError: there is no object to score, or the labels are damaged.
        ImageError: a picture can't be read.
    """
    scores: list[dict[Row, Answer]] = []
    chosen = choose_objects(pictures, max_objects, seed)
    for picture_name, indices in chosen.items():
        scores += _score_picture(predictor, pictures.read(picture_name), indices, toolbox)
    return make_column(name, len(chosen), scores)


def choose_objects(pictures: PictureSet, max_objects: int | None, seed: int) -> dict[str, list[int]]:
    """Draw objects from a whole data set: indices by picture, both in the order of the data set.

    Specks may be among them, since telling takes their masks; they aren't scored.
    """
    everything = [(name, index) for name in pictures.names for index in range(len(pictures.read(name).masks))]
    order = np.random.default_rng(seed).permutation(len(everything))[:max_objects]
    chosen: dict[str, list[int]] = defaultdict(list)
    for position in np.sort(order):
        name, index = everything[position]
        chosen[name].append(index)
    return dict(chosen)


def _score_picture(
    predictor: Predictor, picture: LabelledPicture, indices: Sequence[int], toolbox: Toolbox
) -> Iterator[dict[Row, Answer]]:
    embedding, found = predictor.embed(picture.image), toolbox.find_objects(picture.image)
    for start in range(0, len(indices), CHUNK):
        truths = read_objects(picture, indices[start : start + CHUNK])
        by_model = score_prompts(predictor, embedding, truths)
        by_tools = score_tools(toolbox, picture.image, found, truths)
        yield from (model | tools for model, tools in zip(by_model, by_tools, strict=True))
