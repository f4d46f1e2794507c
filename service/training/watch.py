"""Drives a trainer and writes down how it goes; knows neither what is trained nor what becomes of the result."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import asdict
from threading import Event
from typing import Any, Final

from charrnn.training.progress import Progress
from charrnn.training.trainer import Trainer
from service.training.jobs import JobProgress
from service.training.runs import Run

log = logging.getLogger(__name__)

NOTE_SECONDS: Final = 0.5
SAVE_SECONDS: Final = 3.0
SAVE_SHARE: Final = 0.05
"""Of the time, at most, goes into resume points; those of a large network are saved less often for that."""

RECORDS: Final = 1200
"""About as many measurements are kept of a run, however long it is; fewer of one that is shorter than 10 minutes."""


class Watch:
    """Shows the progress of a run and saves its resume points: not more often than is of use, but soon enough."""

    def __init__(self, run: Run, trainer: Trainer, stop: Event) -> None:
        self._run = run
        self._trainer = trainer
        self._stop = stop
        self._noted = self._saved = time.monotonic()
        self._save_seconds = 0.0
        self._recorded = -math.inf
        self._validation_loss: float | None = None

    def train(self) -> bool:
        """Train to the end (True), or until somebody wants it to stop (False); a resume point is saved then."""
        for progress in self._trainer.run():
            if self._run.cancel_requested():
                return False
            if self._stop.is_set():
                self._save_at_the_end(progress)
                return False
            self._keep_up(progress)
        return True

    def _keep_up(self, progress: Progress) -> None:
        """Write down what is due. A disk that is full for a while costs what would have been written, not the job."""
        try:
            self._write_down(progress)
            if time.monotonic() - self._saved >= max(SAVE_SECONDS, self._save_seconds / SAVE_SHARE):
                self._save(progress)
        except OSError as error:
            log.warning("job %s goes on, but its progress could not be kept: %s", self._run.id, error.strerror)

    def _write_down(self, progress: Progress) -> None:
        if progress.validation_loss is not None:
            self._validation_loss = progress.validation_loss
        evaluated = bool(progress.samples) or progress.validation_loss is not None
        if not evaluated and time.monotonic() - self._noted < NOTE_SECONDS:
            return
        self._noted = time.monotonic()
        self._run.note(_shown(progress, self._validation_loss))
        if evaluated:
            self._run.record("evaluation", progress.step, _measured(progress))
        elif progress.seconds - self._recorded >= max(NOTE_SECONDS, progress.seconds / RECORDS):
            self._recorded = progress.seconds
            self._run.record("metrics", progress.step, _measured(progress))
        if progress.samples:
            self._run.record("samples", progress.step, {"samples": [asdict(sample) for sample in progress.samples]})

    def _save_at_the_end(self, progress: Progress) -> None:
        try:
            self._save(progress)
        except OSError as error:
            log.warning("job %s is left at an earlier point: %s", self._run.id, error.strerror)

    def _save(self, progress: Progress) -> None:
        began = time.monotonic()
        self._run.save(progress.step, self._trainer.state().to_bytes())
        self._saved = time.monotonic()
        self._save_seconds = self._saved - began


def _shown(progress: Progress, validation_loss: float | None) -> JobProgress:
    return JobProgress(
        fraction=progress.fraction,
        step=progress.step,
        steps=progress.steps,
        characters=progress.characters,
        characters_per_second=progress.characters_per_second,
        seconds=progress.seconds,
        seconds_left=progress.seconds_left,
        loss=progress.loss,
        validation_loss=validation_loss,
    )


def _measured(progress: Progress) -> dict[str, Any]:
    values = {
        "characters": progress.characters,
        "loss": progress.loss,
        "validation_loss": progress.validation_loss,
        "bits_per_character": progress.bits_per_character,
        "learning_rate": progress.learning_rate,
        "gradient_norm": progress.gradient_norm,
        "characters_per_second": progress.characters_per_second,
        "seconds": progress.seconds,
        "seconds_left": progress.seconds_left,
    }
    return {name: value for name, value in values.items() if value is not None}
