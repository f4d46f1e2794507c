"""What a training run says about itself while it runs; knows nothing of how it trains."""

from __future__ import annotations

from dataclasses import dataclass

from charrnn.measurements import bits
from charrnn.training.samples import Sample


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, and what is new since the last word.

    `steps` and `seconds_left` are None while a budget in minutes is being measured; `fraction` is the share of the
    training that is done, 0 to 1 (0 while it is measured). `loss` (nats per character) is the mean over the steps
    since the last word, `characters_per_second` the training's pace in them, both None without any; `learning_rate` is
    the next step's, `gradient_norm` (before clipping) the last one's; `seconds` have been spent, evaluations included,
    over all resumptions. `validation_loss` (nats per character; None when nothing is held out),
    and `gradient_norms` (for each layer the norm of the loss's gradient at the state k steps back, k from 0 on) are
    there right after an evaluation, `samples` then and after the shares of the training that `schedule.SAMPLED` lists.
    """

    step: int
    steps: int | None
    fraction: float
    characters: int
    loss: float | None
    learning_rate: float
    gradient_norm: float
    characters_per_second: float | None
    seconds: float
    seconds_left: float | None
    validation_loss: float | None = None
    samples: tuple[Sample, ...] = ()
    gradient_norms: tuple[tuple[float, ...], ...] = ()

    @property
    def evaluated(self) -> bool:
        """Whether this is the word after an evaluation."""
        return bool(self.gradient_norms)

    @property
    def bits_per_character(self) -> float | None:
        """The validation loss in bits."""
        return bits(self.validation_loss)


@dataclass(slots=True)
class Pace:
    """What happened since the last word: characters, their summed loss, and the seconds that the steps took."""

    loss_sum: float = 0.0
    characters: int = 0
    seconds: float = 0.0

    @property
    def loss(self) -> float | None:
        """The mean loss, nats per character; None without a step."""
        return self.loss_sum / self.characters if self.characters else None

    @property
    def characters_per_second(self) -> float | None:
        """None without a step."""
        return self.characters / self.seconds if self.characters and self.seconds else None
