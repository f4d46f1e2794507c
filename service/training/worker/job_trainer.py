"""Trains the network of a job and searches its units, within the job's minutes; does not publish, and knows nothing of
a job's status."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Event
from typing import Final

import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.novelty import KnownTexts
from charrnn.tasks.arrangement import TASK_OF
from charrnn.training.samples import SAMPLE_LENGTH
from charrnn.training.state import TrainingState, TrainingStateError
from charrnn.training.trainer import Trainer
from model_store.sidecars import Sidecar
from model_store.store import ModelStore
from service.training.corpora.corpus import Corpus
from service.training.corpora.ids import Check
from service.training.corpora.store import CorpusStore
from service.training.jobs.job import Job
from service.training.jobs.run import Run
from service.training.jobs.shipped_bases import ShippedBases
from service.training.units import FindUnits, find_units
from service.training.worker import minutes
from service.training.worker.comparing import Comparison, compared, with_comparison
from service.training.worker.counting import with_counts
from service.training.worker.fidelity import with_fidelity
from service.training.worker.measuring import Measuring, StoppedError
from service.training.worker.monitor import SAVE_SECONDS, TrainingMonitor
from service.training.worker.preparation import Preparation, decide, prepare

log = logging.getLogger(__name__)

SHIPPED: Final = ShippedBases()


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """What is to be published, and what is to be kept `beside` it, by the kind of sidecar, and the `known` texts, those
    that it was trained on, if it writes such."""

    checkpoint: Checkpoint
    beside: Mapping[str, Sidecar]
    known: KnownTexts | None


class JobTrainer:
    """Trains on the texts of `corpora`, and continues from versions of `store`.

    `save_seconds`: the minimum time between two resume points; `sample_length`: the maximum number of tokens of a
    sample; `find`: searches a network's units; `bases`: what small texts may continue from; `clock`: measures a job's
    minutes, in seconds from an arbitrary start.
    """

    def __init__(
        self,
        corpora: CorpusStore,
        store: ModelStore,
        *,
        save_seconds: float = SAVE_SECONDS,
        sample_length: int = SAMPLE_LENGTH,
        find: FindUnits = find_units,
        bases: ShippedBases = SHIPPED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._corpora = corpora
        self._store = store
        self._save_seconds = save_seconds
        self._sample_length = sample_length
        self._find = find
        self._bases = bases
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
                raise StoppedError

        try:
            corpus = self._corpora.get(job.request.corpus)
            given = self._prepared(job, corpus, run, check)
            trainer = self._trainer(job, run, given, began)
            per_token = given.characters_per_token
            if not TrainingMonitor(run, trainer, stop, per_token, self._save_seconds, clock=self._clock).train():
                return None
            trained, budget = self._clock(), given.training.budget
            checkpoint = given.described(_with_counts(run, trainer.checkpoint(), given))
            checkpoint = with_fidelity(checkpoint, given.source, trainer.held_out)
            checkpoint = _with_comparison(run, checkpoint, given)
            if checkpoint.record.warnings != run.warnings:  # some follow from the comparison
                run.warn(checkpoint.record.steps, list(checkpoint.record.warnings))
            measuring = Measuring(*(run, checkpoint, given.source, trainer.held_out), check=check, clock=self._clock)
            beside = measuring.on_held_out(minutes.scoring_seconds(budget))
            if search:
                seconds = minutes.search_seconds(budget, trainer.seconds + self._clock() - trained)
                beside |= measuring.units(self._find, self._corpora.path(corpus), seconds)
            return TrainedNetwork(checkpoint, beside, given.known_texts())
        except StoppedError:
            return None

    def known_texts(self, job: Job, run: Run) -> KnownTexts | None:
        """The texts that a network knows which an earlier worker has trained; None also if the corpus cannot be
        read."""
        plan = run.plan()
        if plan is None or plan.records is None or not TASK_OF[plan.records.task].writes_text:
            return None
        try:
            corpus = self._corpora.get(job.request.corpus)
            return prepare(plan, corpus, self._corpora, self._store, lambda: None).known_texts()
        except Exception:
            log.exception("job %s continues without the set of the records that it trains on", job.id)
            return None

    def _prepared(self, job: Job, corpus: Corpus, run: Run, check: Check) -> Preparation:
        """What the trainer needs, according to the job's plan, which is decided now if the job has none that can be
        followed."""
        plan = run.plan()
        if plan is None or not plan.is_known:
            plan = decide(job.request, corpus, self._corpora, self._store, check, device=_device(), bases=self._bases)
            given = prepare(plan, corpus, self._corpora, self._store, check)
            run.keep_plan(replace(plan, comparison=_compared(run, given)))
            return given
        return prepare(plan, corpus, self._corpora, self._store, check)

    def _trainer(self, job: Job, run: Run, given: Preparation, began: float) -> Trainer:
        """The job's trainer, at the newest usable resume point or at the beginning."""

        def trainer_at(state: TrainingState | None) -> Trainer:
            return Trainer(
                given.config,
                given.training,
                given.source,
                base=None if state else given.base(self._bases),
                state=state,
                device=_device(),
                reserve=minutes.reserve(given.training.budget),
                sample_length=self._sample_length,
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


def _compared(run: Run, given: Preparation) -> Comparison:
    """Nothing if it fails, so that training does not."""
    try:
        return compared(given.source, given.training)
    except Exception:
        log.exception("job %s continues without a comparison of its texts", run.id)
        return {}


def _with_comparison(run: Run, checkpoint: Checkpoint, given: Preparation) -> Checkpoint:
    plan = run.plan()
    try:
        return with_comparison(checkpoint, plan.comparison if plan else {}, given.source)
    except Exception:
        log.exception("job %s continues without a comparison of its texts", run.id)
        return checkpoint


def _with_counts(run: Run, checkpoint: Checkpoint, given: Preparation) -> Checkpoint:
    try:
        return with_counts(checkpoint, given.source, given.training, _device())
    except Exception:
        log.exception("job %s continues without the counts of its text", run.id)
        return checkpoint


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _sizes(config: ModelConfig) -> str:
    return f"{config.cell} {config.layers}x{config.hidden_size}, {config.vocabulary_size} tokens"
