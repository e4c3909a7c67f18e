"""Settings of runs that take moments."""

from dataclasses import replace

from sam_backend.training.rounds import RoundPlan
from sam_backend.training.training_settings import TrainingSettings, WindowPlan

TINY = TrainingSettings(
    n_steps=6,
    pictures_per_step=2,
    windows=(WindowPlan(side_px=64, share=0.5, max_masks=3), WindowPlan(side_px=32, share=0.5, max_masks=2)),
    rounds=RoundPlan(n_rounds=3, mask_prompt_share=0.5, single_mask_share_for_boxes=0.5),
    learning_rate=3e-4,
    n_warmup_steps=2,
    schedule="cosine",
    layer_decay=1.0,
    second_moment_decay=0.98,
    largest_gradient_norm=0.1,
    drop_path=0.0,
    decoder_dropout=0.0,
    average_decay=0.9,
    affinity_weight=1.0,
    save_every_n_steps=4,
    validate_every_n_steps=3,
)


def tiny(**changes: object) -> TrainingSettings:
    """The tiny settings but for some."""
    return replace(TINY, **changes)  # type: ignore[arg-type]
