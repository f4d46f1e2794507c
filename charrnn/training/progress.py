"""What a training run reports while it runs; knows nothing of how it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from charrnn.measurements import bits
from charrnn.training.pacing import Pacing
from charrnn.training.samples import Sample
from charrnn.training.state import Position
from charrnn.training.steps import Step

REPORT_EVERY: Final = 0.25
"""Seconds between two reports, so that a caller who wants to stop is heard soon."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, and what is new since the last report.

    `steps` and `seconds_left` are None while a budget in minutes is being measured; `fraction` is the share of the
    training that is done, 0 to 1 (0 while it is measured). `loss` (nats per token) is the mean over the steps since
    the last report, `characters_per_second` the training's pace in them, both None without any; `learning_rate` is the
    next step's, `gradient_norm` (before clipping) the last one's; `seconds` have been spent, evaluations included,
    over all resumptions. `validation_loss` (nats per token; None when nothing is held out),
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
        """Whether this is the report after an evaluation."""
        return bool(self.gradient_norms)

    @property
    def bits_per_character(self) -> float | None:
        """The validation loss in bits."""
        return bits(self.validation_loss)


class Reporter:
    """Makes the reports of a run from where it stands and from the steps since the last report; `peak` is that of the
    learning rate."""

    def __init__(self, position: Position, pacing: Pacing, peak: float) -> None:
        self._position = position
        self._pacing = pacing
        self._peak = peak
        self._gradient_norm = 0.0
        self._loss_sum, self._characters, self._seconds = 0.0, 0, 0.0

    def add(self, step: Step, characters: int, seconds: float) -> None:
        """A step was taken, or tried, in so many seconds."""
        self._gradient_norm = step.gradient_norm
        self._seconds += seconds
        if step.finite:
            self._loss_sum += step.loss * characters
            self._characters += characters

    @property
    def due(self) -> bool:
        """Whether the steps since the last report took long enough for another."""
        return self._seconds >= REPORT_EVERY

    def progress(
        self,
        validation_loss: float | None = None,
        samples: tuple[Sample, ...] = (),
        gradient_norms: tuple[tuple[float, ...], ...] = (),
    ) -> Progress:
        """The next report, with what an evaluation has found."""
        position, schedule = self._position, self._position.schedule
        loss_sum, characters, seconds = self._loss_sum, self._characters, self._seconds
        self._loss_sum, self._characters, self._seconds = 0.0, 0, 0.0
        return Progress(
            step=position.step,
            steps=schedule.total,
            fraction=schedule.fraction(position.step),
            characters=position.characters,
            loss=loss_sum / characters if characters else None,
            learning_rate=position.learning_rate(self._peak),
            gradient_norm=self._gradient_norm,
            characters_per_second=characters / seconds if characters and seconds else None,
            seconds=position.seconds,
            seconds_left=self._pacing.seconds_left(position),
            validation_loss=validation_loss,
            samples=samples,
            gradient_norms=gradient_norms,
        )
