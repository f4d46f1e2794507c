"""The progress reports of a training run; knows nothing of how it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from charrnn.measurements import bits
from charrnn.training.pacing import Pacing
from charrnn.training.samples import Sample
from charrnn.training.state import Position
from charrnn.training.steps import Step

REPORT_EVERY: Final = 0.25
"""Seconds between two reports, so that a caller can stop the training soon."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run, and what is new since the last report.

    `steps` and `seconds_left` are None while a budget in minutes is being measured; `fraction` is the completed share
    of the training, 0 to 1 (0 while it is measured). `loss` (nats per token) is the mean over the steps since the last
    report, `characters_per_second` the speed in these steps, in tokens like `characters`, both None without any;
    `learning_rate` is that of the next step, `gradient_norm` (before clipping) that of the last one; `seconds` have
    been spent, including evaluations, over all resumptions. `validation_loss` (nats per token; None when nothing is
    held out), and `gradient_norms` (for each layer the norm of the loss's gradient at the state k steps back, k from 0
    on) are set right after an evaluation, `samples` then and after the shares of the training in `schedule.SAMPLED`.
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
        """Whether this report follows an evaluation."""
        return bool(self.gradient_norms)

    @property
    def bits_per_character(self) -> float | None:
        """The validation loss in bits."""
        return bits(self.validation_loss)


class Reporter:
    """Creates the reports of a run from its position and the steps since the last report; `peak` is the peak learning
    rate."""

    def __init__(self, position: Position, pacing: Pacing, peak: float) -> None:
        self._position = position
        self._pacing = pacing
        self._peak = peak
        self._gradient_norm = 0.0
        self._loss_sum, self._tokens, self._read, self._seconds = 0.0, 0, 0, 0.0

    def add(self, step: Step, tokens: int, read: int, seconds: float) -> None:
        """Add a step that took, or failed after, this many seconds: its loss is over `tokens`, of as many `read`."""
        self._gradient_norm = step.gradient_norm
        self._seconds += seconds
        if step.finite:
            self._loss_sum += step.loss * tokens
            self._tokens += tokens
            self._read += read

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
        """The next report, with the results of an evaluation."""
        position, schedule = self._position, self._position.schedule
        loss_sum, tokens, read, seconds = self._loss_sum, self._tokens, self._read, self._seconds
        self._loss_sum, self._tokens, self._read, self._seconds = 0.0, 0, 0, 0.0
        return Progress(
            step=position.step,
            steps=schedule.total,
            fraction=schedule.fraction(position.step),
            characters=position.characters,
            loss=loss_sum / tokens if tokens else None,
            learning_rate=position.learning_rate(self._peak),
            gradient_norm=self._gradient_norm,
            characters_per_second=read / seconds if read and seconds else None,
            seconds=position.seconds,
            seconds_left=self._pacing.seconds_left(position),
            validation_loss=validation_loss,
            samples=samples,
            gradient_norms=gradient_norms,
        )
