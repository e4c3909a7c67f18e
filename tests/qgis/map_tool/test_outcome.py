"""What the status line says."""

from __future__ import annotations

import pytest
from segment_anything.map_tool.outcome import Steps, spoken_area, spoken_mask, spoken_s


@pytest.mark.parametrize(
    ("area_m2", "said"),
    [(3.14159, "3.14 m²"), (340.4, "340 m²"), (4321.5, "4322 m²"), (21_000, "2.1 ha"), (14_000_000, "14 km²")],
)
def test_areas_are_said_in_a_unit_that_suits_them(area_m2: float, said: str) -> None:
    assert spoken_area(area_m2) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.0451, "45 ms"), (0.9994, "999 ms"), (1.23, "1.2 s")])
def test_times_are_said_in_a_unit_that_suits_them(seconds: float, said: str) -> None:
    assert spoken_s(seconds) == said


def test_only_steps_that_took_time_are_named() -> None:
    steps = Steps(
        render=0.0,
        wait=0.0001,
        read=0.03,
        embed=0.25,
        decode=0.0312,
        outline=0.0,
        transport=0.004,
        draw=0.002,
        total=0.288,
    )
    assert str(steps) == "288 ms: read 30 ms · embed 250 ms · decode 31 ms · transport 4 ms · draw 2 ms"
    assert str(Steps(0, 0, 0, 0, 0, 0, 0, 0, 0.0001)) == "0 ms"


@pytest.mark.parametrize(
    ("index", "n_masks", "said"),
    [
        (0, 1, "score 0.90, 1 m²"),
        (0, 2, "mask 1 of 2 (whole), score 0.90, 1 m²"),
        (2, 3, "mask 3 of 3 (sub-part), score 0.90, 1 m²"),
        (3, 4, "mask 4 of 4 (mask 4), score 0.90, 1 m²"),
    ],
)
def test_masks_are_named_from_the_whole_to_the_sub_part(index: int, n_masks: int, said: str) -> None:
    assert spoken_mask(index, n_masks, 0.9, "1 m²") == said
