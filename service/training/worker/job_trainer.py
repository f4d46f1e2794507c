"""Trains the network of a job and searches its units, within the job's minutes; does not publish, and knows nothing of
a job's status."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.interpretation.survey import MIN_TOKENS, most_characters
from charrnn.novelty import KnownTexts
from charrnn.tasks.arrangement import TASK_OF
from charrnn.training.data import TrainingText
from charrnn.training.state import TrainingState, TrainingStateError
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Ids
from model_store.held_out import KIND as SCORES
from model_store.sidecars import Sidecar
from model_store.store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import Check
from service.training.corpora.store import CorpusStore
from service.training.evaluation import KIND as EVALUATION
from service.training.evaluation import evaluation
from service.training.excerpts import Excerpt, excerpt_of, excerpt_of_records
from service.training.jobs.job import Job
from service.training.jobs.run import Run
from service.training.units import KIND as UNITS
from service.training.units import FindUnits, Units, find_units
from service.training.worker import minutes
from service.training.worker.fidelity import with_fidelity
from service.training.worker.held_out import lines_of, measure, texts_of
from service.training.worker.monitor import SAVE_SECONDS, TrainingMonitor
from service.training.worker.preparation import Preparation, decide, prepare

log = logging.getLogger(__name__)

GoOn = Callable[[], bool]
"""Returns False when the time is over; raises when the job is to stop."""
Measure = Callable[[GoOn], Sidecar | None]

NO_TIME: Final = (
    "there was no time left to search for what the cells follow; POST /models/NAME/versions/VERSION/cells still can"
)


class _StoppedError(Exception):
    """The job was cancelled, or its worker is stopping."""


class _LateError(Exception):
    """The job's minutes are used up."""


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """What is to be published, and what is to be kept `beside` it, by the kind of sidecar."""

    checkpoint: Checkpoint
    beside: Mapping[str, Sidecar]


class JobTrainer:
    """Trains on the texts of `corpora`, and continues from versions of `store`.

    `save_seconds`: the minimum time between two resume points; `find`: searches a network's units; `clock`: measures a
    job's minutes, in seconds from an arbitrary start.
    """

    def __init__(
        self,
        corpora: CorpusStore,
        store: ModelStore,
        *,
        save_seconds: float = SAVE_SECONDS,
        find: FindUnits = find_units,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._corpora = corpora
        self._store = store
        self._save_seconds = save_seconds
        self._find = find
        self._clock = clock

    def now(self) -> float:
        """The time in seconds by the clock that measures a job's minutes."""
        return self._clock()

    def train(self, job: Job, run: Run, stop: Event, began: float, *, search: bool) -> TrainedNetwork | None:
        """Train from the run's newest resume point on; None if the job is cancelled or `stop` is set before the end.

        `began`: when the work on the job began, by `now`; `search`: whether to search the network's units. Raises
        TrainingError, StoreError, DivergedError, and errors of the disk or the memory.
        """

        def check() -> None:
            if stop.is_set() or run.cancel_requested():
                raise _StoppedError

        try:
            corpus = self._corpora.get(job.request.corpus)
            given = self._prepared(job, corpus, run, check)
            trainer = self._trainer(job, run, given, began)
            per_token = given.characters_per_token
            if not TrainingMonitor(run, trainer, stop, per_token, self._save_seconds, clock=self._clock).train():
                return None
            trained = self._clock()
            checkpoint = with_fidelity(given.described(trainer.checkpoint()), given.source, trainer.held_out)
            limit = minutes.scoring_seconds(given.training.budget)
            scores = self._measured(run, lambda go_on: _scores(given, checkpoint, trainer, go_on), limit, check)
            evaluated = self._measured(run, lambda go_on: _evaluation(given, checkpoint, go_on), limit, check)
            now = self._clock()
            until = now + minutes.search_seconds(given.training.budget, trainer.seconds + now - trained)

            def check_in_time() -> None:
                check()
                if self._clock() > until:
                    raise _LateError

            path = self._corpora.path(corpus)
            units = None
            if search:
                units = self._units(run, checkpoint, lambda: _excerpt(path, given, trainer), check_in_time)
            found = {SCORES: scores, EVALUATION: evaluated, UNITS: units}
            return TrainedNetwork(checkpoint, {kind: value for kind, value in found.items() if value is not None})
        except _StoppedError:
            return None

    def known_texts(self, job: Job, run: Run) -> KnownTexts | None:
        """The records that the job trains on, if it generates records; None also if the corpus cannot be read."""
        plan = run.plan()
        if plan is None or plan.records is None or not TASK_OF[plan.records.task].writes_text:
            return None
        try:
            corpus = self._corpora.get(job.request.corpus)
            records = prepare(plan, corpus, self._corpora, self._store, lambda: None).records
        except Exception:
            log.exception("job %s continues without the set of the records that it trains on", job.id)
            return None
        assert records is not None
        known = KnownTexts.room_for(len(records.hashes))
        known.add(records.hashes)
        return known

    def _prepared(self, job: Job, corpus: Corpus, run: Run, check: Check) -> Preparation:
        """What the trainer needs, according to the job's plan, which is decided now if the job has none."""
        plan = run.plan()
        if plan is None:
            plan = decide(job.request, corpus, self._corpora, self._store, check, device=_device())
            run.keep_plan(plan)
        return prepare(plan, corpus, self._corpora, self._store, check)

    def _trainer(self, job: Job, run: Run, given: Preparation, began: float) -> Trainer:
        """The job's trainer, at the newest usable resume point or at the beginning."""

        def trainer_at(state: TrainingState | None) -> Trainer:
            return Trainer(
                given.config,
                given.training,
                given.source,
                base=given.base,
                state=state,
                device=_device(),
                reserve=minutes.reserve(given.training.budget),
                clock=self._clock,
            )

        for data in run.resume_points():
            try:
                state = TrainingState.from_bytes(data)
                trainer = trainer_at(state)
            except TrainingStateError as error:
                log.warning("job %s: a resume point is skipped: %s", job.id, error)
                continue
            log.info("job %s resumes at step %d", job.id, state.position.step)
            return trainer  # taking over a job does not count: the plan stays the same
        log.info("job %s begins: %s on %s", job.id, _sizes(given.config), given.source.corpus["name"])
        trainer = trainer_at(None)
        trainer.spent(minutes.prepared(given.training.budget, self._clock() - began))
        return trainer

    def _measured(self, run: Run, measure: Measure, seconds: float, check: Check) -> Sidecar | None:
        """What is measured on what was held out, in so many seconds; an error is only logged, as with the units."""
        until = self._clock() + seconds

        def go_on() -> bool:
            check()
            return self._clock() < until

        try:
            return measure(go_on)
        except _StoppedError:
            raise
        except Exception:
            log.exception("job %s continues without a measurement of its held-out records", run.id)
            return None

    def _units(self, run: Run, checkpoint: Checkpoint, along: Callable[[], Excerpt], check: Check) -> Units | None:
        """What the units follow; an error in the search is only logged, because the training must not be lost."""
        try:
            return self._find(checkpoint, along(), check)
        except _StoppedError:
            raise
        except _LateError:
            log.warning("job %s: %s", run.id, NO_TIME)
            run.warn(checkpoint.record.steps, [*checkpoint.record.warnings, NO_TIME])
        except Exception:
            log.exception("job %s continues without a search for what its cells follow", run.id)
        return None


def _excerpt(path: Path, given: Preparation, trainer: Trainer) -> Excerpt:
    """What the units are searched along: a part of the corpus, the file at `path`, or some of its records."""
    source, most = given.source, most_characters(given.config)
    if isinstance(source, TrainingText):
        return excerpt_of(path, trainer.held_out, source.vocabulary, most, MIN_TOKENS)
    return excerpt_of_records(source.steps, source.held_out, source.task, most, MIN_TOKENS)


def _scores(given: Preparation, checkpoint: Checkpoint, trainer: Trainer, go_on: GoOn) -> Sidecar | None:
    """How likely the network finds each of the held-out records, or lines."""
    texts = _held_out_texts(given, trainer)
    found = None if texts is None else measure(checkpoint, texts, go_on)
    return None if found is None else found.as_dict()


def _evaluation(given: Preparation, checkpoint: Checkpoint, go_on: GoOn) -> Sidecar | None:
    """How good the network is on the held-out records; a training record says it of an endless text."""
    source = given.source
    return None if isinstance(source, TrainingText) else evaluation(checkpoint, source.steps, source.held_out, go_on)


def _held_out_texts(given: Preparation, trainer: Trainer) -> Iterator[Ids] | None:
    """The held-out records, or lines, that a generated text can be compared with."""
    if isinstance(given.source, TrainingText):
        return lines_of(trainer.held_out, given.source.vocabulary)
    source = given.source
    return texts_of(source.steps, source.held_out, source.task) if source.task.writes_text else None


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _sizes(config: ModelConfig) -> str:
    return f"{config.cell} {config.layers}x{config.hidden_size}, {config.vocabulary_size} tokens"
