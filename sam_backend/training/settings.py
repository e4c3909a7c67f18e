"""Everything a training run is told, in one value that is written beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from sam_backend.training.rounds import RoundPlan
from sam_backend.training.schedule import Decay


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """One size of the windows that pictures are learnt from."""

    side_px: int
    """In model px."""

    share: float
    """Of the samples."""

    max_masks: int
    """Objects that are learnt from a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How long, how hard and on what to train. The defaults are the paper's for ViT-H (appendix A)."""

    n_steps: int = 90_000
    pictures_per_step: int = 256
    """Over all processes; each takes its share, one picture at a time, and gradients add up."""

    windows: tuple[WindowPlan, ...] = (WindowPlan(side_px=1024, share=1.0, max_masks=64),)
    zoom_range: tuple[float, float] = (1.0, 1.0)
    """Large-scale jitter: at 1 a picture's long side fills the network's square. The paper's early stages: 0.1 to 2."""

    changes_light: bool = False
    """Whether pictures are turned, mirrored and lit at random."""

    rounds: RoundPlan = field(default_factory=RoundPlan)
    learning_rate: float = 8e-4
    """At the end of the warm-up."""

    n_warmup_steps: int = 250
    decay: Decay = "steps"
    layer_decay: float = 0.8
    """Of the learning rate from one encoder layer to the one before it."""

    weight_decay: float = 0.1
    second_moment_decay: float = 0.999
    """Of Adam."""

    largest_gradient_norm: float | None = None
    drop_path: float = 0.4
    decoder_dropout: float = 0.1
    average_decay: float = 0.0
    """Of a moving average of the weights, which is then what is judged and saved; 0 keeps none."""

    lora_rank: int = 0
    """0 trains the weights themselves."""

    trains_encoder: bool = True
    seed: int = 0
    save_every_n_steps: int = 500
    validate_every_n_steps: int = 500

    def as_json(self) -> dict[str, object]:
        """Plain numbers, texts, lists and tables."""
        return asdict(self)
