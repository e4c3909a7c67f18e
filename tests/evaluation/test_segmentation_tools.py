import numpy as np
import pytest
from known_shapes import disc, painted

from sam_backend.errors import MissingExtraError, PromptError
from sam_backend.evaluation.box_tools import filled_box, grab_cut, inscribed_ellipse
from sam_backend.evaluation.click_tools import flood_fill, random_walker
from sam_backend.evaluation.extras import import_extra
from sam_backend.evaluation.unprompted_tools import best_match_iou, otsu_watershed
from sam_backend.evaluation.view import View
from sam_backend.training.mask_iou import mask_iou
from sam_backend.training.sample import mask_box_xyxy
from sam_backend.types import Prompts

ALL_OPEN = (True, True, True, True)


def boxed(truth: np.ndarray, image: np.ndarray | None = None) -> View:
    return View(painted(truth) if image is None else image, Prompts.of(box_xyxy=mask_box_xyxy(truth)), ALL_OPEN)


def clicked(image: np.ndarray, *points: tuple[float, float, bool], open_sides: tuple[bool, ...] = ALL_OPEN) -> View:
    return View(image, Prompts.of(points=points), open_sides)


def test_box_and_ellipse_of_a_disc_are_those_of_geometry() -> None:
    truth = disc(20)
    assert mask_iou(filled_box(boxed(truth)), truth) == pytest.approx(np.pi / 4, abs=0.02)
    assert mask_iou(inscribed_ellipse(boxed(truth)), truth) > 0.97


def test_a_box_thinner_than_a_pixel_still_fills_one() -> None:
    view = View(np.zeros((5, 5, 3), np.uint8), Prompts.of(box_xyxy=[4.9, 2.1, 5, 2.2]), ALL_OPEN)
    assert np.argwhere(filled_box(view)).tolist() == [[2, 4]]


def test_grab_cut_finds_a_bright_disc_in_its_box_and_always_the_same() -> None:
    truth = disc(20)
    found = grab_cut(boxed(truth))
    assert mask_iou(found, truth) > 0.98
    assert (grab_cut(boxed(truth)) == found).all()


def test_grab_cut_of_a_box_around_everything_is_the_box() -> None:
    assert grab_cut(boxed(np.ones((20, 30), np.bool_))).all()


def test_a_box_tool_without_a_box_says_so() -> None:
    with pytest.raises(PromptError, match="needs a box"):
        filled_box(clicked(np.zeros((5, 5, 3), np.uint8), (1, 1, True)))


@pytest.mark.parametrize("tool", [flood_fill, random_walker])
def test_one_click_on_a_bright_disc_finds_it(tool: object) -> None:
    truth = disc(20)
    assert callable(tool)
    assert mask_iou(tool(clicked(painted(truth), (40, 30, True))), truth) > 0.98


def test_a_flood_stays_within_tolerance_and_connection() -> None:
    image = np.zeros((1, 7, 3), np.uint8)
    image[0, :, 1] = [100, 132, 133, 100, 100, 68, 67]
    assert flood_fill(clicked(image, (0.5, 0.5, True)))[0].tolist() == [True, True, False, False, False, False, False]
    assert flood_fill(clicked(image, (3.5, 0.5, True)))[0].tolist() == [False, False, False, True, True, True, False]


def test_where_two_floods_meet_the_nearer_colour_wins() -> None:
    image = np.zeros((1, 4, 3), np.uint8)
    image[0, :] = np.array([100, 110, 115, 120])[:, None]
    found = flood_fill(clicked(image, (0.5, 0.5, True), (3.5, 0.5, False)))
    assert found[0].tolist() == [True, True, False, False]


def test_a_click_beside_the_object_takes_its_like_out_of_the_walk() -> None:
    truth = disc(12, centre_xy=(26, 30))
    image = painted(truth | disc(12, centre_xy=(54, 30)) | (disc(30) & (np.mgrid[:60, :80][0] == 30)))
    both = random_walker(clicked(image, (26, 30, True)))
    one = random_walker(clicked(image, (26, 30, True), (54, 30, False)))
    assert mask_iou(one, truth) > 0.9
    assert mask_iou(both, truth) < mask_iou(one, truth)


@pytest.mark.parametrize(
    ("points", "open_sides", "expected"),
    [
        (((2.5, 2.5, True),), (False,) * 4, np.ones((5, 5), np.bool_)),
        (((2.5, 2.5, False),), ALL_OPEN, np.zeros((5, 5), np.bool_)),
        (((1.5, 1.5, True), (3.5, 3.5, True), (1.5, 3.5, True), (3.5, 1.5, True)), (False,) * 4, np.ones((5, 5), bool)),
    ],
    ids=["nothing is background", "nothing is object", "all is clicked"],
)
def test_a_walk_with_seeds_of_one_kind_needs_no_walking(
    points: tuple[tuple[float, float, bool], ...], open_sides: tuple[bool, ...], expected: np.ndarray
) -> None:
    assert (random_walker(clicked(np.zeros((5, 5, 3), np.uint8), *points, open_sides=open_sides)) == expected).all()


@pytest.mark.parametrize(("inside", "outside"), [(200, 40), (60, 220)], ids=["bright nuclei", "dark nuclei"])
def test_otsu_and_watershed_tell_touching_nuclei_apart(inside: int, outside: int) -> None:
    left, right = disc(12, centre_xy=(28, 30)), disc(12, centre_xy=(51, 30))
    labels = otsu_watershed(painted(left | right, inside, outside))
    assert labels.max() == 2
    assert min(best_match_iou(labels, left), best_match_iou(labels, right)) > 0.9


def test_a_picture_without_contrast_holds_nothing_or_everything() -> None:
    labels = otsu_watershed(np.full((20, 20, 3), 7, np.uint8))
    assert len(np.unique(labels)) == 1


def test_the_best_match_is_by_iou_not_by_overlap() -> None:
    labels = np.array([[0, 1, 1, 1, 1, 1, 1, 2, 2, 0]])
    truth = np.array([[0, 0, 0, 0, 1, 1, 1, 1, 1, 0]], np.bool_)
    assert best_match_iou(labels, truth) == pytest.approx(2 / 5)  # of label 1: 3 / 8


@pytest.mark.parametrize("labels", [np.zeros((2, 3), int), np.array([[1, 1, 0], [0, 0, 0]])], ids=["none", "elsewhere"])
def test_an_object_that_nothing_found_has_no_match(labels: np.ndarray) -> None:
    assert best_match_iou(labels, np.array([[0, 0, 0], [0, 0, 1]], np.bool_)) == 0


def test_a_missing_library_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"library nowhere_to_be_found.*pip install 'sam-backend\[eval\]'"):
        import_extra("nowhere_to_be_found.part")
