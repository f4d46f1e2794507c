"""Trains a network on a text, as long as the caller iterates; knows no files, no jobs, and no clock but the given one.

`Trainer.run` is the loop. Around it: `pacing` (what a budget becomes), `keeping` (the best weights and new starts),
`progress` (what is reported), `steps` (one step), `data` (what is read).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from charrnn.checkpoint import Checkpoint, Weights
from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.training.config import FORMER_SPLIT, TrainingConfig
from charrnn.training.continuing import continued
from charrnn.training.data import TrainingData, TrainingText
from charrnn.training.defaults import most_epochs, ties_output
from charrnn.training.gradients import rounded
from charrnn.training.keeping import BestWeights
from charrnn.training.pacing import Pacing
from charrnn.training.parallel import ALONE, Team
from charrnn.training.precision import fastest_precision
from charrnn.training.progress import REPORT_EVERY, Progress, Reporter
from charrnn.training.record_data import RecordData, TrainingRecords
from charrnn.training.result import never_unknown, training_record
from charrnn.training.samples import SAMPLE_LENGTH, Sample, write_samples
from charrnn.training.schedule import Schedule
from charrnn.training.shards import Shards, usual_count
from charrnn.training.state import Position, TrainingState, named
from charrnn.training.steps import Learner
from charrnn.training.text import Passages


class Trainer:
    """One training run: `run` advances it, `state` is its resume point, `checkpoint` its result so far.

    A new run starts from the weights of `base`, if given, which must have the same sizes, and tokens that occur in the
    text's vocabulary. With `state` the run continues from there, and ends with the same bytes as if it had not been
    interrupted, on any number of cores of the same kind. With a budget in minutes, the number of steps is adjusted when
    the machine becomes faster or slower; the same numbers of steps give the same bytes. `reserve` seconds of the
    minutes are not used.

    Raises ValueError when the text is too short, TrainingStateError when the state is another run's.
    """

    def __init__(
        self,
        config: ModelConfig,
        training: TrainingConfig,
        source: TrainingText | TrainingRecords,
        *,
        state: TrainingState | None = None,
        base: Checkpoint | None = None,
        device: str = "cpu",
        team: Team = ALONE,
        reserve: float = 0.0,
        sample_length: int = SAMPLE_LENGTH,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if state is not None and not state.says_split:  # from before there was a choice
            training = replace(training, validation_split=FORMER_SPLIT)
        self.config, self.training, self._clock = config, training, clock
        self._sample_length = sample_length
        self._data = data = data_of(source, training)
        streams, epoch, on = data.streams.streams, data.streams.segments, torch.device(device)

        # How a step is computed determines its bits, so it is part of a resume point.
        precision = str(state.run["precision"]) if state else fastest_precision(config, on)
        self._shards = Shards(int(state.run.get("parts", 1)) if state else usual_count(streams, on))
        tied = bool(state.run.get("tied")) if state else base is None and ties_output(config)
        self._run = {
            "config": config.as_dict(),
            "training": training.as_dict(),
            "corpus": data.corpus,
            "characters": data.training_tokens + data.held_out_tokens,
            "vocabulary": data.vocabulary.description,
            "precision": precision,
            "parts": self._shards.count,  # "parts" and "characters" (tokens) are the names in existing resume points
            **data.arrangement.as_dict(),
            **({"tied": True} if tied else {}),
        }
        self._learner = Learner(
            config,
            training,
            streams,
            device=on,
            precision=precision,
            predicts_next=data.predicts_next,
            tied=tied,
            shards=self._shards,
            team=team,
        )
        if state is not None:
            state.check(self._run)
            self._position = position = deepcopy(state.position)
            self._learner.restore(state.by_kind(), position.optimizer_steps)
        else:
            self._position = position = Position(schedule=Schedule.first(training.budget, epoch, data.sizes))
            if base is not None:
                self._learner.start_again(continued(base, data.vocabulary, self._learner.model.weights()))

        minutes = training.budget.minutes
        most_steps = round(most_epochs(data.streams.tokens, config.hidden_size, config.cell) * epoch)
        self._pacing = Pacing(None if minutes is None else 60 * minutes - reserve, most_steps, data.sizes, team)
        self._best = BestWeights(self._learner, training, position, state)
        self._report = Reporter(position, self._pacing, training.learning_rate)

    def run(self) -> Iterator[Progress]:
        """Train; yields a report several times a second, after every evaluation and with all samples. Leaving the loop
        stops the training; `state` and `checkpoint` can be read at any report, and another `run` continues.

        Raises DivergedError.
        """
        position, data, report = self._position, self._data, self._report
        while not self.finished:
            if position.schedule.evaluates(position.step) and not self._best.up_to_date:
                yield from self._evaluate()
                continue

            began, schedule = self._clock(), position.schedule
            if position.segment == data.streams.segments:  # everything is read: the next epoch begins
                self._learner.begin_epoch()
                position.segment = 0
            segment = data.segment(position.segment, position.characters)
            step = self._learner.step(segment, position.step, position.learning_rate(self.training.learning_rate))
            if step.finite:
                position.count(step.loss, segment.tokens, segment.read, taught=segment.teaches)
            else:
                self._best.start_again(f"the loss was {step.loss}, its gradient's norm {step.gradient_norm}")
            report.add(step, segment.tokens, segment.read, self._spend(began))
            self._pacing.look(position)

            due = step.finite and schedule.samples(position.step)
            if schedule.total is None:  # a share that was reached before the number of steps was known
                due = position.schedule.samples(position.step)
            if due and not position.schedule.evaluates(position.step):
                yield self._sample()
            elif report.due:
                yield report.progress()

    @property
    def finished(self) -> bool:
        """Whether all steps and the last evaluation are done."""
        return self._position.step == self._position.schedule.total and self._best.up_to_date

    def _evaluate(self) -> Iterator[Progress]:
        """Evaluate, keep the weights if they are the best so far, and report; also yields reports in between."""
        before, began, model = self._position.seconds, self._clock(), self._learner.average.model
        validation_loss = None
        for loss in self._data.evaluation(model, self._shards):
            validation_loss = loss  # None until all is read
            if self._clock() - began >= REPORT_EVERY:
                self._spend(began)
                yield self._report.progress()
                began = self._clock()
        validation_loss = self._best.judge(validation_loss)
        samples = self._samples()
        norms = rounded(self._data.gradient_norms(model, self.training.segment_length))
        self._best.note(norms)
        self._spend(began)
        self._pacing.evaluated(self._position.seconds - before)
        yield self._report.progress(validation_loss, samples, norms)

    def _sample(self) -> Progress:
        began = self._clock()
        samples = self._samples()
        self._pacing.sampled(self._spend(began))
        return self._report.progress(samples=samples)

    def _samples(self) -> tuple[Sample, ...]:
        checkpoint = self._published(self._learner.average.model.weights(), self._data.arrangement.as_dict())
        return write_samples(checkpoint, self._data.prompts, self._sample_length)

    def _spend(self, began: float) -> float:
        """Count the time since `began` as spent on training; returns it in seconds."""
        seconds = self._clock() - began
        self._position.seconds += seconds
        return seconds

    def spent(self, seconds: float) -> None:
        """Count time that the caller spent on preparation or resume points, which is part of a budget in minutes."""
        self._position.seconds += seconds

    @property
    def seconds(self) -> float:
        """How many seconds were spent so far, over all resumptions."""
        return self._position.seconds

    def checkpoint(self) -> Checkpoint:
        """The network with the best weights so far (`BestWeights`), and its training record."""
        record = training_record(self._data, self.training, self._position, self._best)
        return self._published(self._best.weights, record.json)

    def _published(self, weights: Weights, record: Mapping[str, Any]) -> Checkpoint:
        """These weights, without those that are for training alone."""
        vocabulary, kept = self._data.vocabulary, {name: weights[name] for name in self.config.shapes()}
        found = never_unknown(kept, vocabulary, self._data.arrangement)
        return Checkpoint(self.config, vocabulary, found, TrainingRecord(record))

    @property
    def held_out(self) -> Passages:
        """The held-out text; empty if nothing is held out, or if there are records."""
        return self._data.held_out if isinstance(self._data, TrainingData) else Passages(np.zeros(0, dtype=np.uint8))

    @property
    def warnings(self) -> list[str]:
        """Warnings about the result so far, a sentence each."""
        return [*self._data.warnings, *self._best.warnings]

    def state(self) -> TrainingState:
        """A copy of everything that the rest of the run depends on."""
        best, tensors = self._best, named({**self._learner.tensors(), "kept": self._best.weights})
        return TrainingState(tensors, deepcopy(self._position), self._run, [*best.evaluations], [*best.gradients])


def data_of(source: TrainingText | TrainingRecords, config: TrainingConfig) -> TrainingData | RecordData:
    """What a run reads. Raises ValueError when there is too little to train on."""
    return TrainingData(source, config) if isinstance(source, TrainingText) else RecordData(source, config)
