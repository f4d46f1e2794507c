"""What a worker makes of a job: a trained network and what its cells follow, within the job's minutes; knows neither
versions nor how a job ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Final

import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.interpretation.survey import MIN_TOKENS, most_characters
from charrnn.training.state import TrainingState, TrainingStateError
from charrnn.training.text import Passages
from charrnn.training.trainer import Trainer
from model_store.store import ModelStore
from service.training import minutes
from service.training.corpora import CorpusStore
from service.training.excerpts import excerpt_of
from service.training.fidelity import with_fidelity
from service.training.job import Job
from service.training.monitor import SAVE_SECONDS, TrainingMonitor
from service.training.preparation import DECIDED, Preparation, prepare
from service.training.runs import Run
from service.training.units import FindUnits, Units, find_units

log = logging.getLogger(__name__)

NO_TIME: Final = (
    "there was no time left to search for what the cells follow; POST /models/NAME/versions/VERSION/cells still can"
)


class _StoppedError(Exception):
    """Somebody wants the job to stop."""


class _LateError(Exception):
    """The job's minutes are over."""


@dataclass(frozen=True, slots=True)
class Made:
    """What there is to publish; `cells` are None where they were not looked for, or not found out."""

    checkpoint: Checkpoint
    cells: Units | None


class Maker:
    """Trains with the texts of `corpora` and the versions of `store`.

    `save_seconds`: the least time between two resume points; `find`: what finds out what a network's cells follow;
    `clock` counts the seconds of a job's minutes, from any moment on.
    """

    def __init__(
        self,
        corpora: CorpusStore,
        store: ModelStore,
        save_seconds: float = SAVE_SECONDS,
        find: FindUnits = find_units,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._corpora = corpora
        self._store = store
        self._save_seconds = save_seconds
        self._find = find
        self._clock = clock

    def make(self, job: Job, run: Run, stop: Event, began: float, *, search: bool) -> Made | None:
        """Train from where the run stands, and look at the result; None when somebody wants the job to stop. `began`:
        when the work for the job did, on `clock`; `search`: whether to find out what the cells follow."""

        def check() -> None:
            if stop.is_set() or run.cancel_requested():
                raise _StoppedError

        plan = partial(run.plan, needed=DECIDED)
        try:
            given = prepare(job.request, self._corpora, self._store, plan, check, device=_device())
            trainer = self._trainer(job, run, given, began)
            per_token = given.characters_per_token
            if not TrainingMonitor(run, trainer, stop, per_token, self._save_seconds, clock=self._clock).train():
                return None
            trained = self._clock()
            checkpoint = with_fidelity(given.described(trainer.checkpoint()), given.measured_on(trainer.held_out))
            now = self._clock()
            until = now + minutes.search_seconds(given.training.budget, trainer.seconds + now - trained)

            def check_in_time() -> None:
                check()
                if self._clock() > until:
                    raise _LateError

            cells = self._cells(job, run, checkpoint, trainer.held_out, check_in_time) if search else None
            return Made(checkpoint, cells)
        except _StoppedError:
            return None

    def _trainer(self, job: Job, run: Run, given: Preparation, began: float) -> Trainer:
        """The trainer of this job, as far as the newest resume point that is sound."""

        def made(state: TrainingState | None) -> Trainer:
            return Trainer(
                given.config,
                given.training,
                given.text,
                given.vocabulary,
                corpus=given.corpus,
                base=given.base,
                state=state,
                device=_device(),
                reserve=minutes.reserve(given.training.budget),
                clock=self._clock,
            )

        for data in run.resume_points():
            try:
                state = TrainingState.from_bytes(data)
                trainer = made(state)
            except TrainingStateError as error:
                log.warning("job %s: a resume point is passed over: %s", job.id, error)
                continue
            log.info("job %s resumes at step %d", job.id, state.position.step)
            return trainer  # what it costs to take a job over is not counted: the plan stays what it was
        log.info("job %s begins: %s on %s", job.id, _sizes(given.config), given.corpus["name"])
        trainer = made(None)
        trainer.spent(minutes.prepared(given.training.budget, self._clock() - began))
        return trainer

    def _cells(
        self, job: Job, run: Run, checkpoint: Checkpoint, held_out: Passages, check: Callable[[], None]
    ) -> Units | None:
        """Whatever goes wrong here, the training is not lost."""
        try:
            path, most = self._corpora.path(job.request.corpus), most_characters(checkpoint.config)
            return self._find(checkpoint, excerpt_of(path, held_out, checkpoint.vocabulary, most, MIN_TOKENS), check)
        except _StoppedError:
            raise
        except _LateError:
            log.warning("job %s: %s", job.id, NO_TIME)
            run.warn(checkpoint.record.steps, [*checkpoint.record.warnings, NO_TIME])
        except Exception:
            log.exception("job %s continues without a search for what its cells follow", job.id)
        return None


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _sizes(config: ModelConfig) -> str:
    return f"{config.cell} {config.layers}x{config.hidden_size}, {config.vocabulary_size} tokens"
