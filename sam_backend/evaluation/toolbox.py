"""The tools that stand beside the model, and their scores on the same objects under the same hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sam_backend.evaluation.box_tools import filled_box, grab_cut, inscribed_ellipse
from sam_backend.evaluation.click_tools import flood_fill, random_walker
from sam_backend.evaluation.extras import import_extra
from sam_backend.evaluation.unprompted_tools import best_match_iou, otsu_watershed
from sam_backend.evaluation.view import Tool, View, at_most, window_around, window_zoomed_by_eye
from sam_backend.training.annotator import Click, simulate_clicks
from sam_backend.training.mask_iou import mask_iou
from sam_backend.training.prompted_iou import BOX_PROMPT, CLICK_COUNTS, NO_PROMPT, Answer, Row, click_prompt
from sam_backend.training.sample import mask_box_xyxy
from sam_backend.types import Prompts

GRAB_CUT_PX, RANDOM_WALKER_PX = 192, 128
"""Slow tools see at most so many px of a side: larger windows are shrunk, and the mask is enlarged again. It doesn't
harm them: on generated scenes the walker does a little better so."""

FindObjects = Callable[[NDArray[np.uint8]], NDArray[np.int32]]
"""From a picture (h, w, 3) to its objects' labels (h, w), 0 = background."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools by their names, by what they need."""

    box: Mapping[str, Tool] = field(default_factory=dict)
    clicks: Mapping[str, Tool] = field(default_factory=dict)
    unprompted: Mapping[str, FindObjects] = field(default_factory=dict)

    def find_objects(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.int32]]:
        """What the tools that need no prompt find in a picture (h, w, 3): labels (h, w) by the tools' names."""
        return {name: find(image) for name, find in self.unprompted.items()}


GEOMETRY = Toolbox(box={"inscribed ellipse": inscribed_ellipse, "filled box": filled_box})
"""What needs nothing but the box: no pixels, no library, no time."""


def full_toolbox() -> Toolbox:
    """All tools.

    Raises:
        MissingExtraError: OpenCV or scikit-image isn't installed.
    """
    for module in ("cv2", "skimage"):
        import_extra(module)
    return Toolbox(
        box={"GrabCut": at_most(GRAB_CUT_PX, grab_cut), **GEOMETRY.box},
        clicks={"random walker": at_most(RANDOM_WALKER_PX, random_walker), "flood fill": flood_fill},
        unprompted={"Otsu + watershed": otsu_watershed},
    )


def score_tools(
    toolbox: Toolbox,
    image: NDArray[np.uint8],
    found: Mapping[str, NDArray[np.int32]],
    truths: Sequence[NDArray[np.bool_]],
) -> list[dict[Row, Answer]]:
    """Score every tool on some objects of one picture.

    Args:
        toolbox: what to score.
        image: (h, w, 3) RGB.
        found: by `Toolbox.find_objects`, once for the picture.
        truths: each (h, w), none of them empty.

    Returns:
        One dictionary per object, each with the same rows in the same order.
    """
    return [
        _score_boxed(toolbox.box, image, truth)
        | _score_all_clicked(toolbox.clicks, image, truth)
        | {Row(NO_PROMPT, name): Answer(best_match_iou(labels, truth)) for name, labels in found.items()}
        for truth in truths
    ]


# A tool's mask lies in its window, and so does the object: the IoU there is that of the whole picture.


def _score_boxed(tools: Mapping[str, Tool], image: NDArray[np.uint8], truth: NDArray[np.bool_]) -> dict[Row, Answer]:
    window = window_around(mask_box_xyxy(truth), image_hw=(image.shape[0], image.shape[1]))
    image, truth = window.crop(image), window.crop(truth)
    view = View(image, Prompts.of(box_xyxy=mask_box_xyxy(truth).tolist()), window.open_sides)
    return {Row(BOX_PROMPT, name): Answer(mask_iou(tool(view), truth)) for name, tool in tools.items()}


def _score_all_clicked(
    tools: Mapping[str, Tool], image: NDArray[np.uint8], truth: NDArray[np.bool_]
) -> dict[Row, Answer]:
    window = window_zoomed_by_eye(mask_box_xyxy(truth), image_hw=(image.shape[0], image.shape[1]))
    image, truth = window.crop(image), window.crop(truth)
    answers: dict[Row, Answer] = {}
    for name, tool in tools.items():
        answers |= _score_clicked(name, tool, image, window.open_sides, truth)
    return answers


def _score_clicked(
    name: str,
    tool: Tool,
    image: NDArray[np.uint8],
    open_sides: tuple[bool, bool, bool, bool],
    truth: NDArray[np.bool_],
) -> dict[Row, Answer]:
    def answer(clicks: Mapping[int, Sequence[Click]]) -> dict[int, NDArray[np.bool_]]:
        return {index: tool(View(image, Prompts.of(points=some), open_sides)) for index, some in clicks.items()}

    rounds = simulate_clicks([truth], answer, max(CLICK_COUNTS))
    return {
        Row(click_prompt(n_clicks), name): Answer(mask_iou(masks[0], truth))
        for n_clicks, masks in enumerate(rounds, start=1)
        if n_clicks in CLICK_COUNTS
    }
