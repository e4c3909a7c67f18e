import pytest
from record_of import box_mask, record_of

from sam_backend.predict.automatic.suppression import suppress_overlaps

IMAGE_HW = (40, 60)
WHOLE = record_of(box_mask(IMAGE_HW, (0, 0, 30, 30)), predicted_iou=0.9)
NEARLY_THE_SAME = record_of(box_mask(IMAGE_HW, (0, 0, 30, 27)), predicted_iou=0.95)
PART = record_of(box_mask(IMAGE_HW, (5, 5, 10, 10)), predicted_iou=0.8)
ELSEWHERE = record_of(box_mask(IMAGE_HW, (40, 30, 50, 40)), predicted_iou=0.7)
ALL = [WHOLE, NEARLY_THE_SAME, PART, ELSEWHERE]


@pytest.mark.parametrize(
    ("mask_iou_thresh", "containment_thresh", "kept"),
    [
        (None, None, ALL),
        (0.8, None, [NEARLY_THE_SAME, PART, ELSEWHERE]),
        (0.9, None, ALL),
        (None, 0.9, [NEARLY_THE_SAME, ELSEWHERE]),
        (0.8, 1.0, [NEARLY_THE_SAME, PART, ELSEWHERE]),
    ],
    ids=["nothing asked", "duplicates", "just at the limit", "within another", "both"],
)
def test_the_worse_of_two_masks_goes(
    mask_iou_thresh: float | None, containment_thresh: float | None, kept: list[object]
) -> None:
    assert suppress_overlaps(ALL, mask_iou_thresh, containment_thresh) == kept


def test_boxes_that_overlap_are_no_reason_to_go() -> None:
    diagonal = record_of(box_mask(IMAGE_HW, (0, 0, 2, 30)) | box_mask(IMAGE_HW, (0, 28, 30, 30)))
    inside_its_box = record_of(box_mask(IMAGE_HW, (5, 5, 20, 20)))
    assert suppress_overlaps([diagonal, inside_its_box], 0.1, 0.1) == [diagonal, inside_its_box]
