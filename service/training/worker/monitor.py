"""Runs a trainer, logs its measurements and saves resume points; knows nothing of preparation and publication."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from threading import Event
from typing import Any, Final

from charrnn.training.progress import Progress
from charrnn.training.trainer import Trainer
from durable import space
from service.training.jobs.job import JobProgress
from service.training.jobs.run import Run

log = logging.getLogger(__name__)

NOTE_SECONDS: Final = 0.5
SAVE_SECONDS: Final = 3.0
SAVE_SHARE: Final = 0.05
"""The maximum share of the time for saving resume points; large networks are therefore saved less often."""

MAX_MEASUREMENTS: Final = 1200
"""About how many measurements are kept of a run, however long it is; fewer for runs of less than 10 minutes."""

HELD_OUT: Final = ("validation_loss", "bits_per_character")
"""Fields only for evaluations: between evaluations these values would be those of an earlier step."""

MEASURED: Final = (
    "characters",
    "loss",
    *HELD_OUT,
    "learning_rate",
    "gradient_norm",
    "characters_per_second",
    "seconds",
    "seconds_left",
)
"""The fields of every measurement, if known."""


class TrainingMonitor:
    """Runs a trainer, updates the run's progress twice a second, and saves a resume point every few seconds."""

    def __init__(
        self,
        run: Run,
        trainer: Trainer,
        stop: Event,
        characters_per_token: float = 1.0,
        save_seconds: float = SAVE_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._characters_per_token = characters_per_token
        self._trainer = trainer
        self._stop = stop
        self._clock = clock
        self._noted = self._saved = self._clock()
        self._save_seconds = 0.0
        self._save_every = save_seconds
        self._measured_at = -math.inf
        self._shown = run.progress
        self._fault = ""

    def train(self) -> bool:
        """Train to the end (True), or until the job is cancelled or `stop` is set (False); for `stop` a resume point is
        saved."""
        for progress in self._trainer.run():
            began = self._clock()
            if self._run.cancel_requested():
                return False
            if self._stop.is_set():
                self._save_for_next(progress)
                return False
            self._log_and_save(progress)
            self._trainer.spent(self._clock() - began)  # writing counts towards a budget in minutes
        return True

    def _log_and_save(self, progress: Progress) -> None:
        """Write what is due. If the disk is full for a while, only what would have been written is lost, not the
        job."""
        try:
            self._log_progress(progress)
            if self._clock() - self._saved >= max(self._save_every, self._save_seconds / SAVE_SHARE):
                self._save(progress)
        except OSError as error:
            fault = space.reason_of(error)
            if fault != self._fault:
                log.warning("job %s continues, but its progress could not be saved: %s", self._run.id, fault)
            self._fault = fault
            if space.is_short(error):
                self._run.stall()
        else:
            if self._fault:
                self._run.go_on()
                self._fault = ""

    def _log_progress(self, progress: Progress) -> None:
        self._shown = self._updated(progress)
        if not (progress.evaluated or progress.samples) and self._clock() - self._noted < NOTE_SECONDS:
            return
        self._noted = self._clock()
        self._run.note(self._shown)
        if progress.evaluated:
            norms = {"gradient_norms": progress.gradient_norms}
            self._run.add_event("evaluation", progress.step, self._measured() | norms)
            self._warn(progress.step)
        elif progress.seconds - self._measured_at >= max(NOTE_SECONDS, progress.seconds / MAX_MEASUREMENTS):
            self._measured_at = progress.seconds
            measured = self._measured()
            self._run.add_event("metrics", progress.step, {k: v for k, v in measured.items() if k not in HELD_OUT})
        if progress.samples:
            place = {"fraction": self._shown.fraction, "characters": self._shown.characters}
            samples = [asdict(sample) for sample in progress.samples]
            self._run.add_event("samples", progress.step, {**place, "samples": samples})

    def _updated(self, progress: Progress) -> JobProgress:
        """The progress, completed with the latest known values; the untrained network's validation loss is omitted once
        there are steps."""
        before, per_token, held_out = self._shown, self._characters_per_token, progress.bits_per_character
        pace = progress.characters_per_second
        validation: tuple[float | None, float | None, int | None] = (None, None, None)
        if held_out is not None:
            validation = (progress.validation_loss, held_out / per_token, progress.step)
        elif before.validation_step or progress.step == 0:
            validation = (before.validation_loss, before.bits_per_character, before.validation_step)
        return JobProgress(
            fraction=progress.fraction,
            step=progress.step,
            steps=progress.steps,
            characters=round(progress.characters * per_token),
            characters_per_second=before.characters_per_second if pace is None else pace * per_token,
            seconds=progress.seconds,
            seconds_left=progress.seconds_left,
            loss=before.loss if progress.loss is None else progress.loss,
            validation_loss=validation[0],
            bits_per_character=validation[1],
            validation_step=validation[2],
            learning_rate=progress.learning_rate,
            gradient_norm=progress.gradient_norm if math.isfinite(progress.gradient_norm) else None,
        )

    def _warn(self, step: int) -> None:
        warnings = self._trainer.warnings
        if tuple(warnings) != self._run.warnings:
            self._run.warn(step, warnings)

    def _measured(self) -> dict[str, Any]:
        values = asdict(self._shown)
        return {name: values[name] for name in MEASURED if values[name] is not None}

    def _save_for_next(self, progress: Progress) -> None:
        """Log what is due before saving, because the next worker logs nothing from before the resume point."""
        try:
            self._log_progress(progress)
            self._save(progress)
        except OSError as error:
            log.warning("job %s can only be resumed from an earlier point: %s", self._run.id, space.reason_of(error))

    def _save(self, progress: Progress) -> None:
        began = self._clock()
        self._run.save(progress.step, self._trainer.state().to_bytes())
        self._saved = self._clock()
        self._save_seconds = self._saved - began
