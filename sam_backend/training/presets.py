"""Settings that are known to work, by name."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

from sam_backend.errors import SettingsError
from sam_backend.training.rounds import RoundPlan
from sam_backend.training.training_settings import TrainingSettings, WindowPlan

VIT_H = TrainingSettings(n_steps=90_000, pictures_per_step=256, learning_rate=8e-4, layer_decay=0.8, drop_path=0.4)
VIT_L = TrainingSettings(n_steps=180_000, pictures_per_step=128, learning_rate=4e-4, layer_decay=0.8, drop_path=0.4)
VIT_B = TrainingSettings(n_steps=180_000, pictures_per_step=128, learning_rate=8e-4, layer_decay=0.6, drop_path=0.6)

SMALL = TrainingSettings(
    n_steps=2200,
    pictures_per_step=4,
    learning_rate=3e-4,
    n_warmup_steps=100,
    schedule="cosine",
    weight_decay=0.05,
    # The paper's .999 remembers longer than the first phase of a run of minutes lasts.
    second_moment_decay=0.98,
    decoder_dropout=0.0,
    # Small, so that the first steep steps don't dwarf the gentle slope after them in Adam's memory.
    largest_gradient_norm=0.1,
    average_decay=0.997,
    rounds=RoundPlan(
        n_rounds=3, n_mask_only_rounds=0, mask_prompt_share=0.7, single_mask_share_for_boxes=0.5, learns_every_iou=True
    ),
    affinity_weight=0.3,
    windows=(WindowPlan(256, 0.94, 14), WindowPlan(512, 0.06, 10)),
    zoom_range=(0.4, 1.5),
    save_every_n_steps=100,
    validate_every_n_steps=700,
)

# Goes on from SMALL: whole squares and larger windows, so that large things are seen in one piece.
SMALL_WHOLE = dataclasses.replace(
    SMALL,
    n_steps=1200,
    n_warmup_steps=50,
    windows=(WindowPlan(256, 0.45, 14), WindowPlan(512, 0.4, 8), WindowPlan(1024, 0.15, 6)),
    zoom_range=(0.5, 2.0),
    validate_every_n_steps=400,
)

FINETUNE = TrainingSettings(
    n_steps=2000,
    pictures_per_step=2,
    # An eighth of the paper's: enough to adapt LoRA or a decoder, not so much that it forgets in its first steps.
    learning_rate=1e-4,
    n_warmup_steps=100,
    schedule="cosine",
    # Decay pulls weights that are good already towards zero, so there is little of it.
    weight_decay=0.01,
    layer_decay=0.8,
    largest_gradient_norm=1.0,
    average_decay=0.99,
    # Fewer rounds, for people who click once or twice; single masks for boxes too, as that is how boxes are used.
    rounds=RoundPlan(n_rounds=4, n_mask_only_rounds=1, single_mask_share_for_boxes=0.5, learns_every_iou=True),
    windows=(WindowPlan(1024, 1.0, 16),),
    zoom_range=(0.75, 1.33),
    save_every_n_steps=100,
)

PRESETS = MappingProxyType(
    {"b": VIT_B, "l": VIT_L, "h": VIT_H, "small": SMALL, "small-whole": SMALL_WHOLE, "finetune": FINETUNE}
)
"""The paper's for B, L and H (appendix A, "Training recipe"); for the embedded model; for fine-tuning."""


def preset(name: str) -> TrainingSettings:
    """The settings of a name.

    Raises:
        SettingsError: there are none.
    """
    if name not in PRESETS:
        raise SettingsError(f"there is no preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
