from collections.abc import Sequence

import numpy as np
import pytest
from known_shapes import disc, painted

from sam_backend.evaluation import column as column_module
from sam_backend.evaluation.column import choose_objects, evaluate_pictures
from sam_backend.evaluation.toolbox import GEOMETRY, full_toolbox
from sam_backend.predict.predictor import Predictor
from sam_backend.training.prompted_iou import BOX, CLICK, CLICK_BEST_OF_THREE, Row
from sam_backend.training.sample import LabelledPicture


class Discs:
    """Pictures of some discs each, by their radii."""

    def __init__(self, *radii: Sequence[float]) -> None:
        self._radii = radii
        self.names = [str(index) for index in range(len(radii))]

    def read(self, name: str) -> LabelledPicture:
        radii = self._radii[int(name)]
        masks = np.array([disc(radius, (20 + 40 * n, 30)) for n, radius in enumerate(radii)], np.bool_)
        masks = np.pad(masks.reshape(-1, 60, 80), ((0, 0), (50, 50), (50, 50)))  # room to zoom out
        return LabelledPicture(painted(masks.any(axis=0)), masks)


def test_every_tool_answers_for_every_object(tiny_predictor: Predictor) -> None:
    found = evaluate_pictures(tiny_predictor, "discs", Discs((10, 14), (), (12,), (1,)), full_toolbox())
    assert (found.n_objects, found.n_pictures) == (3, 3)
    clicks = ("1 click", "3 clicks", "5 clicks")
    by_tools = [Row("box", name) for name in ("GrabCut", "inscribed ellipse", "filled box")]
    by_tools += [Row(prompt, name) for name in ("random walker", "flood fill") for prompt in clicks]
    assert set(by_tools) | {Row("no prompt", "Otsu + watershed")} < set(found.iou)
    assert found.mean_iou(Row("box", "filled box")) == pytest.approx(np.pi / 4, abs=0.03)
    assert all(found.mean_iou(row) > 0.95 for row in found.iou if row.by in ("GrabCut", "flood fill", "random walker"))
    assert found.mean_iou(Row("no prompt", "Otsu + watershed")) > 0.9
    assert (found.iou[CLICK_BEST_OF_THREE] >= found.iou[CLICK]).all()
    assert {row.by.partition(",")[0] for row in found.predicted_iou} == {"model"}


def test_chunks_keep_model_and_tools_on_the_same_objects(
    tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = Discs((10, 1), (14, 6), (12, 7))
    whole = evaluate_pictures(tiny_predictor, "discs", pictures, GEOMETRY)
    monkeypatch.setattr(column_module, "CHUNK", 1)
    parts = evaluate_pictures(tiny_predictor, "discs", pictures, GEOMETRY)
    assert whole.n_objects == parts.n_objects == 5
    for row in (BOX, Row("box", "filled box")):
        assert parts.iou[row] == pytest.approx(whole.iou[row])


def test_a_draw_is_of_objects_not_of_pictures_and_repeats_itself() -> None:
    pictures = Discs((5, 5), (5,), (5, 5), (5, 5))
    chosen = choose_objects(pictures, 4, seed=3)
    assert sum(map(len, chosen.values())) == 4
    assert all(indices == sorted(set(indices)) for indices in chosen.values())
    assert list(chosen) == sorted(chosen)
    assert chosen == choose_objects(pictures, 4, seed=3)
    assert any(chosen != choose_objects(pictures, 4, seed=seed) for seed in range(5))


@pytest.mark.parametrize("limit", [None, 9])
def test_without_a_limit_below_their_number_all_objects_are_chosen(limit: int | None) -> None:
    assert choose_objects(Discs((5, 5), (), (5,)), limit, seed=0) == {"0": [0, 1], "2": [0]}
