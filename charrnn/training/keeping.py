"""Keeps the best weights of a run by its losses, restarts from them after divergence, and warns about them.

Losses are in nats per token; `guessing` is that of a uniform distribution: the logarithm of the number of outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from charrnn.measurements import MAX_STEPS_BACK, Evaluation, Reach
from charrnn.training.config import TrainingConfig
from charrnn.training.gradients import Rounded
from charrnn.training.state import Position, Tensors, TrainingState
from charrnn.training.steps import Learner
from charrnn.wording import count

RETRIES: Final = 3

RISEN: Final = 1.0
"""In nats per token. If both the training loss and the held-out loss are this far above the best, training has
diverged."""

GAP: Final = 0.25
"""As a share of `guessing`. If the held-out loss is this far above the training loss, there is a warning."""

NO_GUIDE: Final = (
    "The network predicts the held-out text no better than guessing, so the best weights cannot be determined:"
    " the latest weights are kept."
)
FAR_ABOVE: Final = (
    "The held-out loss is far above the training loss: the two texts differ in kind, or there is"
    " too little training text."
)
ENOUGH: Final = (
    "The text is too short for so many minutes: training ends before they are used up, because more passes over it"
    " would only memorize it."
)
"""Warnings about the kept weights; without numbers, so that a warning does not change while it applies."""

Evaluations = Sequence[Evaluation]


class DivergedError(RuntimeError):
    """The loss became NaN or infinite, or worse than guessing, and smaller learning rates did not help."""


class BestWeights:
    """The best weights so far by validation loss, except those before the first step; if nothing is held out, or no
    loss was better than guessing, those of the last evaluation. A run that diverges restarts from them."""

    def __init__(
        self, learner: Learner, training: TrainingConfig, position: Position, state: TrainingState | None = None
    ) -> None:
        self.weights: Tensors = state.by_kind()["kept"] if state else learner.model.weights()
        self.evaluations: list[Evaluation] = [*state.evaluations] if state else []
        self.gradients: list[Reach] = [*state.gradients] if state else []
        self._learner = learner
        self._training = training
        self._position = position
        self._guessing = math.log(learner.model.config.outputs)

    @property
    def up_to_date(self) -> bool:
        """Whether the network has been evaluated in its current state."""
        return bool(self.evaluations) and self.evaluations[-1].step == self._position.step

    def judge(self, validation_loss: float | None) -> float | None:
        """Keep the weights that have this loss, or restart from the kept ones; returns the loss, or None if it does not
        count. Raises DivergedError."""
        position = self._position
        training_loss = position.loss_sum / position.loss_characters if position.loss_characters else None
        position.loss_sum, position.loss_characters = 0.0, 0
        if has_risen(training_loss, validation_loss, self.evaluations, position, self._guessing):
            self.start_again(f"the loss has risen to {training_loss}, and to {validation_loss} on new text")
            validation_loss = None
        elif is_better(validation_loss, position, self._guessing):
            position.best_loss, position.best_step = validation_loss, position.step
            self.weights = self._learner.average.model.weights()
        self.evaluations.append(Evaluation(position.step, position.characters, training_loss, validation_loss))
        return validation_loss

    def start_again(self, what_happened: str) -> None:
        """Restart from the best weights with a smaller learning rate, without optimizer state and hidden state. Raises
        DivergedError."""
        position, training = self._position, self._training
        nothing_learned = position.step == position.schedule.total and position.best_step == 0
        if position.retries == RETRIES or nothing_learned:
            tried = count(position.retries, "new start")
            raise DivergedError(
                f"training diverged at step {position.step}: {what_happened}; {tried} with smaller steps"
                f" diverged as well: learning_rate {training.learning_rate:g} or clip {training.clip:g} is"
                " too large"
            )
        position.start_again()
        self._learner.start_again(self.weights)

    def note(self, norms: Rounded) -> None:
        """Record the gradient norms of the network that was just judged."""
        self.gradients = kept(self.gradients, self._position, norms)

    @property
    def warnings(self) -> list[str]:
        """Warnings about the kept weights, a sentence each."""
        return warnings(self.evaluations, self._position, self._guessing)


def is_better(validation_loss: float | None, position: Position, guessing: float) -> bool:
    """Whether to keep these weights instead. A trained network always replaces an untrained one, and a loss that is not
    better than guessing cannot decide which weights are better."""
    best = position.best_loss
    if best is None or validation_loss is None or position.best_step == 0:
        return True
    return validation_loss < best or best >= guessing


def has_risen(
    training_loss: float | None,
    validation_loss: float | None,
    evaluations: Evaluations,
    position: Position,
    guessing: float,
) -> bool:
    """Whether the losses are NaN or infinite, worse than guessing, or far above the best ones."""
    if not math.isfinite(validation_loss or 0) or (training_loss or 0) > guessing + 1:
        return True
    losses = [each.training_loss for each in evaluations if each.training_loss is not None]
    best = position.best_loss
    above_training = bool(losses) and (training_loss or 0) > min(losses) + RISEN
    return above_training and (best is None or validation_loss is None or validation_loss > best + RISEN)


def kept(before: list[Reach], position: Position, norms: Rounded) -> list[Reach]:
    """The gradient norms that a run keeps after a measurement: those of the first evaluation and those of the best
    weights, which are published."""
    if before and position.best_step != position.step:
        return before
    near = tuple(layer[: MAX_STEPS_BACK + 1] for layer in norms)
    return [*before[:1], Reach(position.step, position.characters, near)]


def warnings(evaluations: Evaluations, position: Position, guessing: float) -> list[str]:
    """Warnings about the run's length and the weights of `position.best_step`, a sentence each."""
    found = [ENOUGH] if position.ends_early else []
    best = position.best_loss
    learned = next((each.training_loss for each in evaluations if each.step == position.best_step), None)
    if best is None or learned is None:
        return found
    if best >= guessing:
        return [*found, NO_GUIDE]
    return [*found, FAR_ABOVE] if best > learned + GAP * guessing else found
