"""All that decides what comes of a run besides its data, as a value that can be kept beside the checkpoint."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import get_args

from sam_backend.errors import SettingsError
from sam_backend.training.freeze import Part
from sam_backend.training.rounds import RoundPlan
from sam_backend.training.schedule import Schedule


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """One size of windows."""

    side_px: int
    """In model px."""

    share: float
    """Of the samples."""

    max_masks: int
    """Objects that are learnt from a sample."""


LARGEST_SEED = 2**63 - 1
"""That PyTorch and numpy both take."""

PAPER_ROUNDS = RoundPlan()
PAPER_WINDOWS = (WindowPlan(side_px=1024, share=1.0, max_masks=64),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How long, how hard and what to train. The defaults are the paper's wherever all its models share a value."""

    n_steps: int
    """Times that the weights move."""

    pictures_per_step: int
    """Over all processes and all accumulated gradients."""

    learning_rate: float
    """At the end of the warm-up."""

    n_warmup_steps: int = 250
    schedule: Schedule = "steps"
    weight_decay: float = 0.1
    layer_decay: float = 1.0
    """Factor on the rate per encoder layer towards the input; see `parameter_groups`."""

    first_moment_decay: float = 0.9
    second_moment_decay: float = 0.999
    """Of AdamW, both."""

    drop_path: float = 0.0
    """Of the deepest encoder block; see `regularised`."""

    decoder_dropout: float = 0.1
    largest_gradient_norm: float | None = None
    """Gradients are scaled down to it; the paper names none."""

    average_decay: float | None = None
    """Of the moving average of the weights, if one is to be kept and saved in the end; the paper keeps none."""

    affinity_weight: float = 0.0
    """Of the loss by which a convolutional encoder goes on learning what belongs together; see `seeing`."""

    rounds: RoundPlan = PAPER_ROUNDS
    windows: tuple[WindowPlan, ...] = PAPER_WINDOWS
    """A ViT sees whole squares only; a convolutional encoder learns from parts of them too."""

    zoom_range: tuple[float, float] = (1.0, 1.0)
    """Large-scale jitter: at 1 a picture's long side fills the square. The paper's first two stages: 0.1 to 2."""

    trained: Part = "everything"
    """What of the network learns; with LoRA, what it is put into."""

    lora_rank: int = 0
    """0 is no LoRA; see `add_lora`."""

    seed: int = 0
    save_every_n_steps: int = 1000
    validate_every_n_steps: int = 1000

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            SettingsError: one makes no sense.
        """
        for name, ok, wanted in self._checks():
            if not ok:
                raise SettingsError(f"the setting {name} is {getattr(self, name)!r}: it has to be {wanted}")

    def _checks(self) -> list[tuple[str, bool, str]]:
        clip, average = self.largest_gradient_norm, self.average_decay
        return [
            ("n_steps", self.n_steps >= 1, "at least 1"),
            ("pictures_per_step", self.pictures_per_step >= 1, "at least 1"),
            ("learning_rate", self.learning_rate > 0, "above 0"),
            ("n_warmup_steps", self.n_warmup_steps >= 0, "0 or more"),
            ("schedule", self.schedule in get_args(Schedule), f"one of {', '.join(get_args(Schedule))}"),
            ("weight_decay", self.weight_decay >= 0, "0 or more"),
            ("layer_decay", 0 < self.layer_decay <= 1, "above 0 and at most 1"),
            ("first_moment_decay", 0 <= self.first_moment_decay < 1, "from 0 to below 1"),
            ("second_moment_decay", 0 <= self.second_moment_decay < 1, "from 0 to below 1"),
            ("drop_path", 0 <= self.drop_path < 1, "from 0 to below 1"),
            ("affinity_weight", self.affinity_weight >= 0, "0 or more"),
            ("decoder_dropout", 0 <= self.decoder_dropout < 1, "from 0 to below 1"),
            ("largest_gradient_norm", clip is None or clip > 0, "above 0, or null for none"),
            ("average_decay", average is None or 0 <= average < 1, "from 0 to below 1, or null for none"),
            ("windows", all(w.side_px > 0 and w.share > 0 and w.max_masks > 0 for w in self.windows), "above 0"),
            ("windows", len(self.windows) > 0, "at least one size of windows"),
            ("zoom_range", 0 < self.zoom_range[0] <= self.zoom_range[1], "two numbers above 0, the least first"),
            ("trained", self.trained in get_args(Part), f"one of {', '.join(get_args(Part))}"),
            ("lora_rank", self.lora_rank >= 0, "0 or more"),
            ("seed", 0 <= self.seed <= LARGEST_SEED, f"from 0 to {LARGEST_SEED}"),
            ("save_every_n_steps", self.save_every_n_steps >= 1, "at least 1"),
            ("validate_every_n_steps", self.validate_every_n_steps >= 1, "at least 1"),
        ]

    def with_steps(self, n_steps: int) -> TrainingSettings:
        """A run of another length, of which the warm-up is at most a tenth."""
        return dataclasses.replace(
            self, n_steps=n_steps, n_warmup_steps=min(self.n_warmup_steps, max(1, n_steps // 10))
        )

    def to_json(self) -> str:
        """As text that people can read and `from_json` too."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TrainingSettings:
        """Read what `to_json` wrote.

        Raises:
            SettingsError: the text is no JSON, lacks or doesn't know a setting, or has a value that makes no sense.
        """
        try:
            table = json.loads(text)
            table["rounds"] = RoundPlan(**table["rounds"])
            table["windows"] = tuple(WindowPlan(**window) for window in table["windows"])
            low, high = table["zoom_range"]
            return cls(**{**table, "zoom_range": (low, high)})
        except SettingsError:
            raise
        except json.JSONDecodeError as error:
            raise SettingsError(
                f"the settings of a run are no JSON ({error}): give the file that the run wrote"
            ) from None
        except KeyError as error:
            raise SettingsError(f"the settings of a run lack {error}: give the file that the run wrote") from None
        except (TypeError, ValueError) as error:
            raise SettingsError(
                f"the settings of a run can't be used ({error}): give the file that the run wrote"
            ) from None
