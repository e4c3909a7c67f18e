import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from sam_backend.errors import SettingsError
from sam_backend.training.presets import PRESETS, preset
from sam_backend.training.rounds import RoundPlan
from sam_backend.training.training_settings import TrainingSettings, WindowPlan

PAPER = [("b", 180_000, 128, 8e-4, 0.6, 0.6), ("l", 180_000, 128, 4e-4, 0.8, 0.4), ("h", 90_000, 256, 8e-4, 0.8, 0.4)]


@pytest.mark.parametrize(("name", "n_steps", "batch", "rate", "layer_decay", "drop_path"), PAPER, ids=["b", "l", "h"])
def test_the_papers_presets_have_the_papers_numbers(
    name: str, n_steps: int, batch: int, rate: float, layer_decay: float, drop_path: float
) -> None:
    settings = preset(name)
    assert (settings.n_steps, settings.pictures_per_step, settings.learning_rate) == (n_steps, batch, rate)
    assert (settings.layer_decay, settings.drop_path, settings.decoder_dropout) == (layer_decay, drop_path, 0.1)
    assert (settings.first_moment_decay, settings.second_moment_decay, settings.weight_decay) == (0.9, 0.999, 0.1)
    assert (settings.schedule, settings.n_warmup_steps, settings.rounds) == ("steps", 250, RoundPlan())
    assert settings.windows == (WindowPlan(side_px=1024, share=1.0, max_masks=64),)
    assert settings.zoom_range == (1.0, 1.0)


@pytest.mark.parametrize("name", PRESETS)
def test_settings_come_back_from_json_as_they_were(name: str) -> None:
    changed = dataclasses.replace(preset(name), seed=7, lora_rank=4, zoom_range=(0.1, 2.0), trained="decoder")
    assert TrainingSettings.from_json(changed.to_json()) == changed
    assert json.loads(changed.to_json())["rounds"]["n_rounds"] == changed.rounds.n_rounds


@pytest.mark.parametrize("name", PRESETS)
def test_a_short_run_warms_up_in_a_tenth_of_its_steps_at_most(name: str) -> None:
    chosen = preset(name)
    short = chosen.with_steps(100)
    assert (short.n_steps, short.n_warmup_steps) == (100, 10)
    assert chosen.with_steps(10_000_000) == dataclasses.replace(chosen, n_steps=10_000_000)
    assert chosen.with_steps(1).n_warmup_steps == 1


def test_an_unknown_preset_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="no preset 'huge': choose one of b, l, h, small, small-whole, finetune"):
        preset("huge")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_steps", 0, "n_steps is 0: it has to be at least 1"),
        ("seed", -1, "seed is -1: it has to be from 0 to 9223372036854775807"),
        ("schedule", "linear", "schedule is 'linear': it has to be one of steps, cosine"),
        ("layer_decay", 0.0, "layer_decay is 0.0: it has to be above 0 and at most 1"),
        ("drop_path", 1.0, "drop_path is 1.0: it has to be from 0 to below 1"),
        ("largest_gradient_norm", 0.0, "above 0, or null for none"),
        ("average_decay", 1.0, "from 0 to below 1, or null for none"),
        ("windows", (), "at least one size of windows"),
        ("windows", (WindowPlan(256, 0.0, 4),), "above 0"),
        ("zoom_range", (2.0, 0.1), "two numbers above 0, the least first"),
        ("trained", "head", "one of everything, decoder, encoder"),
        ("lora_rank", -1, "lora_rank is -1: it has to be 0 or more"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        dataclasses.replace(preset("small"), **{name: value})


def without(table: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: "{", "are no JSON"),
        (lambda table: [1], "can't be used"),
        (lambda table: without(table, "rounds"), "lack 'rounds'"),
        (lambda table: without(table, "n_steps"), "can't be used .*n_steps"),
        (lambda table: {**table, "speed": 1}, "can't be used .*speed"),
        (lambda table: {**table, "n_steps": "many"}, "can't be used"),
        (lambda table: {**table, "zoom_range": [1]}, "can't be used"),
        (lambda table: {**table, "n_steps": -1}, "n_steps is -1"),
    ],
    ids=["no-json", "no-table", "no-rounds", "no-steps", "unknown", "text", "one-zoom", "negative"],
)
def test_damaged_settings_are_one_sentence(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    changed = change(json.loads(preset("small").to_json()))
    with pytest.raises(SettingsError, match=message):
        TrainingSettings.from_json(changed if isinstance(changed, str) else json.dumps(changed))
