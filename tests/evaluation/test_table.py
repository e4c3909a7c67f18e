import numpy as np
import pytest

from sam_backend.errors import DatasetError
from sam_backend.evaluation.column import Column, make_column
from sam_backend.evaluation.comparison import Comparison, best_tool, compare
from sam_backend.evaluation.report import Report, calibration_series
from sam_backend.evaluation.table import format_margins, format_table
from sam_backend.training.prompted_iou import BOX, CLICK, CLICK_BEST_OF_THREE, Answer, Row

ELLIPSE, FLOOD, OTSU = Row("box", "inscribed ellipse"), Row("1 click", "flood fill"), Row("no prompt", "Otsu")


@pytest.fixture
def nuclei() -> Column:
    """Two objects. The means: box 0.7, ellipse 0.5, click 0.4, flood 0.5, Otsu 0.6."""
    return make_column(
        "nuclei",
        1,
        [
            {
                BOX: Answer(0.8, 0.9),
                CLICK: Answer(0.6, 0.5),
                CLICK_BEST_OF_THREE: Answer(0.7),
                ELLIPSE: Answer(0.7),
                FLOOD: Answer(0.4),
                OTSU: Answer(0.9),
            },
            {
                BOX: Answer(0.6, 0.7),
                CLICK: Answer(0.2, 0.1),
                CLICK_BEST_OF_THREE: Answer(0.3),
                ELLIPSE: Answer(0.3),
                FLOOD: Answer(0.6),
                OTSU: Answer(0.3),
            },
        ],
    )


@pytest.fixture
def scenes() -> Column:
    """One object, and no other tool than the ellipse."""
    return make_column("scenes", 1, [{BOX: Answer(0.25, 0.5), CLICK: Answer(0.1, 0.1), ELLIPSE: Answer(0.5)}])


def test_the_table_is_the_one_done_by_hand(nuclei: Column, scenes: Column) -> None:
    assert format_table([nuclei, scenes]).splitlines() == [
        "| prompt    | by                            | nuclei (2) | scenes (1) |",
        "| --------- | ----------------------------- | ---------- | ---------- |",
        "| box       | model                         | **0.700**  | 0.250      |",
        "| box       | inscribed ellipse             | 0.500 *    | 0.500 *    |",
        "| 1 click   | model                         | 0.400      | 0.100      |",
        "| 1 click   | model, best of three (oracle) | 0.500      | -          |",
        "| 1 click   | flood fill                    | 0.500 *    | -          |",
        "| no prompt | Otsu                          | 0.600 *    | -          |",
    ]


def test_margins_are_against_the_best_tool_of_the_prompt_or_of_none(nuclei: Column, scenes: Column) -> None:
    assert format_margins([nuclei, scenes]).splitlines() == [
        "nuclei, box: the model is 0.100 ahead of Otsu (margin +0.100, standard error 0.200)",
        "nuclei, 1 click: the model is 0.200 behind Otsu (margin -0.200, standard error 0.100)",
        "scenes, box: the model is 0.250 behind inscribed ellipse (margin -0.250, standard error nan)",
    ]


def test_the_margin_is_taken_object_by_object(nuclei: Column) -> None:
    found = compare(nuclei, "box")
    differences = [0.8 - 0.9, 0.6 - 0.3]
    assert found is not None
    assert found.best_tool == OTSU
    assert found.margin == pytest.approx(np.mean(differences))
    assert found.standard_error == pytest.approx(np.std(differences, ddof=1) / np.sqrt(2))


@pytest.mark.parametrize("prompt", ["no prompt", "9 clicks"], ids=["the model needs one", "nobody had it"])
def test_without_a_model_or_tool_there_is_no_margin(prompt: str, nuclei: Column, scenes: Column) -> None:
    assert compare(nuclei, prompt) is None
    assert compare(scenes, prompt) is None


def test_a_choice_among_the_models_masks_is_no_tool(nuclei: Column) -> None:
    assert best_tool(nuclei, ("1 click",)) == FLOOD
    assert isinstance(compare(nuclei, "1 click"), Comparison)


def test_a_column_without_objects_is_refused() -> None:
    with pytest.raises(DatasetError, match="nothing has no objects of a size to score"):
        make_column("nothing", 0, [])


def test_calibration_takes_what_a_user_is_shown(nuclei: Column, scenes: Column) -> None:
    predicted, true = calibration_series([nuclei, scenes])
    assert {name: some.tolist() for name, some in predicted.items()} == {
        "box": [0.9, 0.7, 0.5],
        "1 click": [0.5, 0.1, 0.1],
    }
    assert {name: some.tolist() for name, some in true.items()} == {"box": [0.8, 0.6, 0.25], "1 click": [0.6, 0.2, 0.1]}


def test_the_report_says_how_it_came_about(nuclei: Column, scenes: Column) -> None:
    drawn = Report("tiny-1234", [nuclei, scenes], max_objects=2, seed=7).to_text()
    assert drawn.startswith("tiny-1234: mean IoU per mask (at most 2 objects, seed 7;")
    assert "nuclei: predicted against true IoU: correlation 0.97 (Pearson), 0.95 (Spearman)" in drawn
    assert "(all objects;" in Report("tiny-1234", [nuclei], max_objects=None, seed=7).to_text()


def test_without_tools_the_report_has_no_margins() -> None:
    column = make_column("one", 1, [{BOX: Answer(0.5, 0.5)}])
    text = Report("tiny", [column], max_objects=None, seed=0).to_text()
    assert "best" not in text
    assert "one: predicted against true IoU: correlation - (Pearson), - (Spearman), calibration error 0.000" in text


def test_json_has_every_figure(nuclei: Column, scenes: Column) -> None:
    json = Report("tiny", [nuclei, scenes], max_objects=None, seed=0).to_json()
    columns = json["columns"]
    assert isinstance(columns, dict)
    found = columns["nuclei"]
    assert (found["n_objects"], found["n_pictures"]) == (2, 1)
    assert found["mean_iou"]["box"] == {"model": pytest.approx(0.7), "inscribed ellipse": pytest.approx(0.5)}
    assert found["model_against_best_tool"]["1 click"] == {
        "tool": "Otsu",
        "margin": pytest.approx(-0.2),
        "standard_error": pytest.approx(0.1),
    }
    assert columns["scenes"]["model_against_best_tool"]["box"]["standard_error"] is None
    assert found["calibration"]["box"]["expected_error"] == pytest.approx(0.1)
    assert found["calibration"]["all"]["n"] == 4
