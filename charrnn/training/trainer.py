"""Training a network on a text, as far as the caller asks for it: steps, evaluations, what is kept, what is told;
knows no files, no jobs, no clock but the one that it is given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, fields, replace
from typing import Any, Final

import torch

from charrnn.checkpoint import Checkpoint, never_unknown
from charrnn.config import ModelConfig
from charrnn.training.config import TrainingConfig
from charrnn.training.continuing import continued
from charrnn.training.evaluation import evaluation
from charrnn.training.gradients import Rounded, gradient_norms, rounded
from charrnn.training.keeping import has_risen, is_better, warnings
from charrnn.training.pacing import Pacing
from charrnn.training.parallel import ALONE, Team
from charrnn.training.parts import Parts, usual_count
from charrnn.training.precision import fastest_precision
from charrnn.training.progress import Pace, Progress
from charrnn.training.prompt import default_prompt
from charrnn.training.record import kept, training_record
from charrnn.training.samples import Sample, prompts_for, write_samples
from charrnn.training.schedule import Schedule
from charrnn.training.shift import shift_warning
from charrnn.training.state import Position, Tensors, TrainingState, TrainingStateError
from charrnn.training.steps import Learner, Step
from charrnn.training.text import Passages, Streams, TextIds, split
from charrnn.vocabulary import Vocabulary
from charrnn.wording import count

__all__ = ["DivergedError", "Progress", "Trainer"]

TELL_EVERY: Final = 0.25
"""Seconds between two words on the progress, so that a caller who wants to stop is heard soon."""

RETRIES: Final = 3
RETRY_FACTOR: Final = 0.3
"""What a run that diverged multiplies its learning rate by when it starts again from its best weights."""


class DivergedError(RuntimeError):
    """The loss was no longer a number, or was worse than guessing, and smaller learning rates did not help."""


class Trainer:
    """One training run; `run` advances it, `state` is its resume point, `checkpoint` its result so far.

    `ids` is the whole text, any integer type, possibly a memory map; `corpus` what the record is to say about it
    (plain JSON: name, sha256). A new run starts from the weights of `base`, if one is given, whose sizes are the same
    and whose tokens `vocabulary` has. With `state`, the run goes on from there, and ends with the very bytes that it
    would have ended with uninterrupted, on as many cores or on others, of the same kind; a budget in minutes may set
    the number of steps anew whenever the machine becomes quicker or slower, and the same bytes then follow from the
    same numbers. Of a budget in minutes `reserve` seconds are left over for the caller. A state from before there was
    `validation_split` goes on with the end held out.

    Raises ValueError when the text is too short, TrainingStateError when the state is another run's.
    """

    def __init__(
        self,
        config: ModelConfig,
        training: TrainingConfig,
        ids: TextIds,
        vocabulary: Vocabulary,
        *,
        corpus: Mapping[str, Any] | None = None,
        state: TrainingState | None = None,
        base: Checkpoint | None = None,
        device: str = "cpu",
        team: Team = ALONE,
        reserve: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if state is not None and "validation_split" not in state.run["training"]:
            training = replace(training, validation_split="end")
        self.config, self.training, self._vocabulary = config, training, vocabulary
        self._corpus = dict(corpus or {})
        self._clock, self._team = clock, team
        self._text, self._validation = split(
            ids, training.validation_fraction, training.segment_length, training.validation_split
        )
        self._guessing = math.log(config.vocabulary_size)  # nats per token
        self._prompt = default_prompt(ids, vocabulary)
        self._shift = shift_warning(self._text, self._validation, vocabulary)
        self._streams = Streams(self._text, training.batch_size, training.segment_length)
        self._prompts = prompts_for(self._text, self._validation, vocabulary)
        on = torch.device(device)
        self._precision = str(state.run["precision"]) if state else fastest_precision(config, on)
        streams = self._streams.streams
        self._parts = Parts(int(state.run.get("parts", 1)) if state else usual_count(streams, on))
        self._learner = Learner(
            config, training, streams, device=on, precision=self._precision, parts=self._parts, team=team
        )
        if base is not None and state is None:
            self._learner.start_again(continued(base, vocabulary, self._learner.model.weights()))
        self._kept: Tensors = self._learner.model.weights()
        self._position = Position()
        self._evaluations: list[dict[str, Any]] = []
        self._gradients: list[dict[str, Any]] = []
        self._schedule = self._first_schedule()
        minutes, epoch = training.budget.minutes, self._streams.segments
        self._pacing = None if minutes is None else Pacing(60 * minutes - reserve, epoch, self._sizes())
        self._gradient_norm = 0.0
        self._pace = Pace()
        if state is not None:
            self._restore(state)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, and the last evaluation as well."""
        return self._position.step == self._schedule.total and self._evaluated

    def run(self) -> Iterator[Progress]:
        """Train; a word on the progress several times a second, after every evaluation and with all samples. Leaving
        the loop stops the training; `state` and `checkpoint` can be asked for at any word, and another `run` goes on.

        Raises DivergedError.
        """
        while not self.finished:
            if self._schedule.evaluates(self._position.step) and not self._evaluated:
                yield from self._evaluate()
                continue
            due = self._step()
            if due and not self._schedule.evaluates(self._position.step):
                yield self._sample()
            elif self._pace.seconds >= TELL_EVERY:
                yield self._progress()

    def checkpoint(self) -> Checkpoint:
        """The best network so far by validation loss, but for the one before the first step; that of the last
        evaluation where nothing is held out, or where no loss was better than guessing."""
        record = training_record(
            self._corpus,
            self.training,
            {"training": len(self._text), "validation": len(self._validation)},
            self._position,
            epochs=self._position.characters / max(1, self._streams.characters),
            evaluations=deepcopy(self._evaluations),
            gradients=deepcopy(self._gradients),
            warnings=self.warnings,
            prompt=self._prompt,
        )
        return Checkpoint(self.config, self._vocabulary, never_unknown(dict(self._kept), self._vocabulary), record)

    @property
    def held_out(self) -> Passages:
        """What the network is not trained on; empty where nothing is held out."""
        return self._validation

    @property
    def warnings(self) -> list[str]:
        """What whoever asked for the training should know about its result so far, a sentence each."""
        said = warnings(self._evaluations, self._position, self._guessing)
        return [self._shift, *said] if self._shift else said

    def spent(self, seconds: float) -> None:
        """Count time that the caller spent for the training's sake, on preparing it or on resume points: it belongs to
        the minutes."""
        self._position.seconds += seconds

    @property
    def seconds(self) -> float:
        """How many were spent so far, over all resumptions."""
        return self._position.seconds

    def state(self) -> TrainingState:
        """A copy of everything that the rest of the run depends on."""
        kinds = {**self._learner.tensors(), "kept": self._kept}
        tensors = {f"{kind}/{name}": tensor for kind, named in kinds.items() for name, tensor in named.items()}
        measured = deepcopy(self._evaluations), deepcopy(self._gradients)
        return TrainingState(tensors, deepcopy(self._position), self._identity(), *measured)

    def _restore(self, state: TrainingState) -> None:
        run = {**state.run, "training": {"validation_split": "end", **state.run["training"]}}
        for field, value in self._identity().items():
            if run.get(field) != value:
                raise TrainingStateError(f"the resume point is another run's: {field} differs")
        position = self._position = deepcopy(state.position)
        kinds: dict[str, dict[str, Any]] = {}
        for name, tensor in state.tensors.items():
            kind, _, weight = name.partition("/")
            kinds.setdefault(kind, {})[weight] = tensor
        self._learner.restore(dict(kinds), position.optimizer_steps)
        self._kept = kinds["kept"]
        self._evaluations, self._gradients = deepcopy(state.evaluations), deepcopy(state.gradients)
        self._schedule = Schedule(**{field.name: getattr(position, field.name) for field in fields(Schedule)})

    def _identity(self) -> dict[str, Any]:
        """What a resume point must agree on with the run that takes it up; precision and parts it brings along."""
        return {
            "config": asdict(self.config),
            "training": self.training.as_dict(),
            "corpus": self._corpus,
            "characters": len(self._text) + len(self._validation),
            "vocabulary": self._vocabulary.description,
            "precision": self._precision,
            "parts": self._parts.count,
        }

    def _first_schedule(self) -> Schedule:
        budget = self.training.budget
        if budget.minutes is not None:
            return self._fix(Schedule(None))
        steps = budget.steps or math.ceil((budget.epochs or 0) * self._streams.segments)
        return self._fix(Schedule.of(steps, *self._sizes()))

    def _fix(self, schedule: Schedule) -> Schedule:
        for field in fields(Schedule):
            setattr(self._position, field.name, getattr(schedule, field.name))
        return schedule

    def _sizes(self) -> tuple[int, int]:
        """Characters of a step, about, and of the validation part."""
        return max(1, self._streams.characters // self._streams.segments), len(self._validation)

    def _step(self) -> bool:
        """Take one step; whether samples are due after it."""
        began, position = self._clock(), self._position
        if position.segment == self._streams.segments:
            self._learner.begin_epoch()
            position.segment = 0
        segment = self._streams.segment(position.segment)
        step = self._learner.step(segment, position.step, self._learning_rate())
        self._gradient_norm = step.gradient_norm
        if step.finite:
            self._count(step, segment.characters)
        else:
            self._start_again(f"the loss was {step.loss}, its gradient's norm {step.gradient_norm}")
        self._pace.seconds += self._spend(began)
        due = step.finite and self._schedule.samples(position.step)
        return (self._keep_pace() and self._schedule.samples(position.step)) or due

    def _keep_pace(self) -> bool:
        """Set the number of steps to what a budget in minutes has time for; whether it was unknown before."""
        if self._pacing is None:
            return False
        unknown = self._schedule.total is None
        self._position.seconds = self._team.agreed(self._position.seconds)
        schedule = self._pacing.look(self._position, self._schedule)
        if schedule is not None:
            self._schedule = self._fix(schedule)
        return unknown and schedule is not None

    def _spend(self, began: float) -> float:
        """Count the time since then as spent on training; how much it was, in seconds."""
        seconds = self._clock() - began
        self._position.seconds += seconds
        return seconds

    def _count(self, step: Step, characters: int) -> None:
        position, pace = self._position, self._pace
        position.step += 1
        position.segment += 1
        position.optimizer_steps += 1
        position.characters += characters
        position.loss_sum += step.loss * characters
        position.loss_characters += characters
        pace.loss_sum += step.loss * characters
        pace.characters += characters

    def _learning_rate(self) -> float:
        position = self._position
        share = self._schedule.learning_rate(position.step, position.optimizer_steps)
        return self.training.learning_rate * share * RETRY_FACTOR**position.retries

    def _start_again(self, what_happened: str) -> None:
        """Go on from the best weights with a smaller step and nothing remembered. Raises DivergedError."""
        position = self._position
        nothing_learned = position.step == self._schedule.total and position.best_step == 0
        if position.retries == RETRIES or nothing_learned:
            tried = count(position.retries, "new start")
            raise DivergedError(
                f"training diverged at step {position.step}: {what_happened}; {tried} with smaller steps"
                f" diverged as well: learning_rate {self.training.learning_rate:g} or clip {self.training.clip:g} is"
                " too large"
            )
        position.retries += 1
        position.optimizer_steps = 0
        self._learner.start_again(self._kept)

    @property
    def _evaluated(self) -> bool:
        return bool(self._evaluations) and self._evaluations[-1]["step"] == self._position.step

    def _evaluate(self) -> Iterator[Progress]:
        """Measure, keep the weights if they are the best so far, and tell of it; a word now and then meanwhile."""
        before, began, model = self._position.seconds, self._clock(), self._learner.average.model
        validation_loss = None
        for loss in evaluation(model, self._validation, parts=self._parts) if len(self._validation) else ():
            validation_loss = loss
            if self._clock() - began >= TELL_EVERY:
                self._spend(began)
                yield self._progress()
                began = self._clock()
        validation_loss = self._judge(validation_loss)
        samples = self._samples()
        norms = rounded(gradient_norms(model, self._text, self.training.segment_length))
        self._gradients = kept(self._gradients, self._position, norms)
        self._spend(began)
        if self._pacing is not None:
            self._pacing.evaluated(self._team.agreed(self._position.seconds - before))
        yield self._progress(validation_loss, samples, norms)

    def _sample(self) -> Progress:
        began = self._clock()
        samples = self._samples()
        seconds = self._spend(began)
        if self._pacing is not None:
            self._pacing.sampled(self._team.agreed(seconds))
        return self._progress(samples=samples)

    def _samples(self) -> tuple[Sample, ...]:
        weights = never_unknown(self._learner.average.model.weights(), self._vocabulary)
        return write_samples(Checkpoint(self.config, self._vocabulary, weights), self._prompts)

    def _judge(self, validation_loss: float | None) -> float | None:
        """Keep the weights or go back to those that are kept; the loss, or None where it is no number."""
        position = self._position
        training_loss = position.loss_sum / position.loss_characters if position.loss_characters else None
        position.loss_sum, position.loss_characters = 0.0, 0
        if has_risen(training_loss, validation_loss, self._evaluations, position, self._guessing):
            self._start_again(f"the loss has risen to {training_loss}, and to {validation_loss} on new text")
            validation_loss = None
        elif is_better(validation_loss, position, self._guessing):
            position.best_loss, position.best_step = validation_loss, position.step
            self._kept = self._learner.average.model.weights()
        self._note(training_loss, validation_loss)
        return validation_loss

    def _note(self, training_loss: float | None, validation_loss: float | None) -> None:
        losses = {"training_loss": training_loss, "validation_loss": validation_loss}
        counts = {"step": self._position.step, "characters": self._position.characters}
        self._evaluations.append({**counts, **losses})

    def _progress(
        self,
        validation_loss: float | None = None,
        samples: tuple[Sample, ...] = (),
        norms: Rounded = (),
    ) -> Progress:
        position, pace, self._pace = self._position, self._pace, Pace()
        return Progress(
            position.step,
            self._schedule.total,
            self._schedule.fraction(position.step),
            position.characters,
            pace.loss,
            self._learning_rate(),
            self._gradient_norm,
            pace.characters_per_second,
            position.seconds,
            self._seconds_left(),
            validation_loss,
            samples,
            norms,
        )

    def _seconds_left(self) -> float | None:
        position, total = self._position, self._schedule.total
        left = self._pacing.seconds_left(position, self._schedule) if self._pacing is not None else None
        if left is None and total and position.step:
            left = position.seconds / position.step * (total - position.step)
        return left
