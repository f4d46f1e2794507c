"""A resume point: everything that the rest of a training run depends on, as bytes; knows no files, no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from charrnn.measurements import Evaluation, Reach
from charrnn.training.config import FORMER_SPLIT
from charrnn.training.schedule import WARM_UP, Schedule

FORMAT: Final = 2
METADATA_KEY: Final = "charrnn.training"

RETRY_FACTOR: Final = 0.3
"""The factor of the learning rate when a diverged run restarts from its best weights."""

Tensors = Mapping[str, npt.NDArray[np.float32]]


class TrainingStateError(ValueError):
    """Bytes are not a complete resume point, or not one of this run; the message says why."""


@dataclass(slots=True)
class Position:
    """The position of a run, without its tensors: plain numbers that JSON represents exactly.

    Random numbers need no state: those of a step are a function of the seed and the step.
    """

    step: int = 0
    """Steps taken, including those before a restart."""
    segment: int = 0
    """Index of the segment that the next step reads; if it equals the number of segments, the next epoch begins."""
    characters: int = 0
    """Tokens trained on so far; the name is that in the files."""
    optimizer_steps: int = 0
    """Steps that changed the weights, since the start of the run or the last restart."""
    warmed_up: float = 0.0
    """The share of the peak learning rate reached by the warm-up since the start of the run or the last restart."""
    retries: int = 0
    """Restarts from the best weights."""
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_characters: int = 0
    """The loss in nats summed over the tokens trained on since the last evaluation, and their number."""
    best_loss: float | None = None
    best_step: int = 0
    evaluation_steps: float = 0.0
    """The duration of an evaluation, in steps."""
    replanned: list[dict[str, int]] = field(default_factory=list)
    """At which steps the number of steps was adjusted, and to how many."""
    ends_early: bool = False
    """Whether the minutes would suffice for more passes over the text than are useful."""
    schedule: Schedule = field(default_factory=partial(Schedule, None))

    def count(self, loss: float, tokens: int, read: int, *, taught: bool = True) -> None:
        """Count a step with its mean loss, in nats per token, over this many tokens, of as many `read`; `taught`:
        whether it changed the weights."""
        self.step += 1
        self.segment += 1
        if taught:
            self.optimizer_steps += 1
            self.warmed_up = min(1.0, self.warmed_up + self.schedule.rise)
        self.characters += read
        self.loss_sum += loss * tokens
        self.loss_characters += tokens

    def start_again(self) -> None:
        """Count a restart from the best weights: the learning rate rises anew, to a smaller peak."""
        self.retries += 1
        self.optimizer_steps, self.warmed_up = 0, 0.0

    def learning_rate(self, peak: float) -> float:
        """The learning rate of the next step."""
        share = self.schedule.learning_rate(self.step, self.warmed_up)
        return peak * share * RETRY_FACTOR**self.retries

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, the schedule's fields beside the others; `from_dict` is its inverse."""
        values = asdict(self)
        schedule: dict[str, Any] = values.pop("schedule")
        return values | schedule

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`. Raises TypeError for unknown fields."""
        if "warmed_up" not in values:  # of an earlier release
            values = {**values, "warmed_up": min(1.0, values.get("optimizer_steps", 0) / WARM_UP)}
        names = {each.name for each in fields(Schedule)}
        schedule = Schedule(**{"total": None, **{name: value for name, value in values.items() if name in names}})
        return cls(**{name: value for name, value in values.items() if name not in names}, schedule=schedule)


@dataclass(frozen=True, eq=False, slots=True)
class TrainingState:
    """`tensors`: weights, their average, the optimizer's moments, the hidden state, the best weights so far;
    `position`: that of the run; `run`: the configuration and corpus that it belongs to; `evaluations`: the measured
    losses; `gradients`: how far back gradients reached at first and with the best weights."""

    tensors: Tensors
    position: Position
    run: Mapping[str, Any]
    evaluations: list[Evaluation]
    gradients: list[Reach] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """As a safetensors file: the same state gives the same bytes."""
        description = {
            "format": FORMAT,
            "position": self.position.as_dict(),
            "run": dict(self.run),
            "evaluations": [each.as_dict() for each in self.evaluations],
            "gradients": [each.as_dict() for each in self.gradients],
        }
        tensors = {name: np.ascontiguousarray(self.tensors[name]) for name in sorted(self.tensors)}
        text = json.dumps({**description, "digest": _digest(description, tensors)}, sort_keys=True, allow_nan=False)
        return save(tensors, metadata={METADATA_KEY: text})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`. Raises TrainingStateError if the bytes are not a complete, undamaged resume
        point."""
        try:
            description = json.loads(_metadata(data)[METADATA_KEY])
            if description["format"] != FORMAT:
                raise TrainingStateError(f"not a resume point of format {FORMAT}")
            tensors, digest = load(data), description.pop("digest")
            if digest != _digest(description, tensors):
                raise TrainingStateError("damaged: the digest is not that of the content")
            position = Position.from_dict(description["position"])
            evaluations = [Evaluation(**each) for each in description["evaluations"]]
            gradients = [Reach.from_dict(each) for each in description.get("gradients", [])]
            return cls(tensors, position, description["run"], evaluations, gradients)
        except TrainingStateError:
            raise
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            raise TrainingStateError(f"not a resume point: {error}") from error

    @property
    def says_split(self) -> bool:
        """Whether the state says which part of the text was held out; if not, it was FORMER_SPLIT."""
        return "validation_split" in self.run["training"]

    def check(self, run: Mapping[str, Any]) -> None:
        """Raises TrainingStateError if the state belongs to another run."""
        own = {**self.run, "training": {"validation_split": FORMER_SPLIT, **self.run["training"]}}
        for name, value in run.items():
            if own.get(name) != value:
                raise TrainingStateError(f"the resume point is another run's: {name} differs")

    def by_kind(self) -> dict[str, Tensors]:
        """The tensors by kind, the part of their names before the first slash, and by the rest."""
        kinds: dict[str, dict[str, npt.NDArray[np.float32]]] = {}
        for name, tensor in self.tensors.items():
            kind, _, rest = name.partition("/")
            kinds.setdefault(kind, {})[rest] = tensor
        return dict(kinds)


def named(kinds: Mapping[str, Tensors]) -> Tensors:
    """The tensors of a state from those of each kind: the inverse of `TrainingState.by_kind`."""
    return {f"{kind}/{name}": tensor for kind, tensors in kinds.items() for name, tensor in tensors.items()}


def _digest(description: Mapping[str, Any], tensors: Tensors) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True, allow_nan=False).encode())
    for name in sorted(tensors):
        digest.update(f"\0{name}{tensors[name].shape}\0".encode())
        digest.update(np.ascontiguousarray(tensors[name]).data)
    return digest.hexdigest()


def _metadata(data: bytes) -> dict[str, str]:
    """The header's metadata, which safetensors reads from files alone: 8 bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata: dict[str, str] = header["__metadata__"]
    return metadata
