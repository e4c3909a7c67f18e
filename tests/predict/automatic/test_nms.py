import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sam_backend.predict.automatic.nms import box_nms


def plain_nms(boxes: NDArray[np.int64], scores: NDArray[np.float32], iou_thresh: float) -> list[int]:
    """Box by box, in single precision as torchvision."""
    kept: list[int] = []
    corners = boxes.astype(np.float32)
    for index in sorted(range(len(boxes)), key=lambda nth: -scores[nth]):
        if all(iou(corners[index], corners[other]) <= iou_thresh for other in kept):
            kept.append(index)
    return kept


def iou(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    width, height = (max(np.float32(0), min(one[k + 2], other[k + 2]) - max(one[k], other[k])) for k in (0, 1))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    union = areas[0] + areas[1] - width * height
    return float(width * height / union) if union > 0 else 0.0


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_boxes, side = draw(st.integers(0, 25)), draw(st.sampled_from([3, 12, 60]))
    corners = np.sort(rng.integers(0, side, (n_boxes, 2, 2)), axis=1)
    scores = rng.integers(0, draw(st.sampled_from([2, 1000])), n_boxes) / 7  # many equal ones, or hardly any
    return corners.reshape(-1, 4), scores.astype(np.float32)


@given(found=scored_boxes(), iou_thresh=st.sampled_from([0.0, 0.5, 0.7, 1.0]))
def test_suppression_equals_the_plain_one_ties_included(
    found: tuple[NDArray[np.int64], NDArray[np.float32]], iou_thresh: float
) -> None:
    assert box_nms(*found, iou_thresh).tolist() == plain_nms(*found, iou_thresh)


def test_equal_scores_keep_the_order_given_and_the_first_wins() -> None:
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [0, 0, 10, 10]])
    assert box_nms(boxes, np.ones(3, np.float32), 0.7).tolist() == [0, 1]


def test_an_overlap_of_just_the_threshold_is_no_duplicate() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]])
    assert box_nms(boxes, np.array([1, 2], np.float32), 0.5).tolist() == [1, 0]
