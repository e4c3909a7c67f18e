import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_backend.training.schedule import Schedule, learning_rate_factor

schedules = st.sampled_from(["steps", "cosine"])


def test_the_papers_run_drops_where_the_paper_says() -> None:
    at = {step: learning_rate_factor(step, 90_000, "steps") for step in (0, 124, 249, 59_999, 60_000, 86_665, 86_666)}
    assert at == pytest.approx({0: 1 / 250, 124: 0.5, 249: 1, 59_999: 1, 60_000: 0.1, 86_665: 0.1, 86_666: 0.01})


@pytest.mark.parametrize(("n_steps", "first", "second"), [(180_000, 120_000, 173_332), (900, 600, 867)])
def test_the_drops_move_with_the_runs_length(n_steps: int, first: int, second: int) -> None:
    factors = [learning_rate_factor(step, n_steps, "steps", 0) for step in (first - 1, first, second - 1, second)]
    assert factors == [1, 0.1, 0.1, 0.01]


def test_the_cosine_is_half_way_down_in_the_middle_and_ends_at_a_hundredth() -> None:
    assert learning_rate_factor(100, 1100, "cosine", 100) == 1
    assert learning_rate_factor(600, 1100, "cosine", 100) == pytest.approx(0.5)
    assert learning_rate_factor(1099, 1100, "cosine", 100) == 0.01


@given(schedule=schedules, n_steps=st.integers(1, 400), n_warmup_steps=st.integers(0, 100))
def test_the_factor_rises_in_the_warm_up_then_falls(schedule: Schedule, n_steps: int, n_warmup_steps: int) -> None:
    factors = [learning_rate_factor(step, n_steps, schedule, n_warmup_steps) for step in range(n_steps + 5)]
    assert all(0 < factor <= 1 for factor in factors)
    assert all(a < b for a, b in itertools.pairwise(factors[:n_warmup_steps]))
    assert all(a >= b for a, b in itertools.pairwise(factors[n_warmup_steps:]))


def test_a_constant_rate_only_warms_up() -> None:
    factors = [learning_rate_factor(step, 100, "constant", n_warmup_steps=10) for step in range(100)]
    assert factors[0] == 0.1
    assert factors[10:] == [1.0] * 90
