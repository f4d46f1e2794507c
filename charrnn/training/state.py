"""A resume point: everything that the rest of a training run depends on, as bytes; knows no files, no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

FORMAT: Final = 2
METADATA_KEY: Final = "charrnn.training"

Tensors = Mapping[str, npt.NDArray[np.float32]]


class TrainingStateError(ValueError):
    """Bytes are not a whole resume point, or not one of this run; the message says why."""


@dataclass(slots=True)
class Position:
    """Where a run stands, all but its tensors: plain numbers that JSON keeps exactly.

    Random numbers need no state of their own: each step's follow from the seed and the step. From `total` to
    `place_then` it is the schedule's; `evaluation_steps` is as how many steps an evaluation takes, `replanned` when
    the number of steps was set anew.
    """

    step: int = 0
    total: int | None = None
    evaluate_every: int = 1
    segment: int = 0
    characters: int = 0
    optimizer_steps: int = 0
    retries: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_characters: int = 0
    best_loss: float | None = None
    best_step: int = 0
    known_from: int = 0
    planned: int | None = None
    since: int = 0
    place_then: float = 0.0
    evaluation_steps: float = 0.0
    replanned: list[dict[str, int]] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class TrainingState:
    """`tensors`: weights, their average, the optimiser's moments, the hidden state, the best weights so far;
    `position`: where the run stands; `run`: the configuration and corpus that it belongs to; `evaluations`: what was
    measured, `gradients`: of that, how far back the network learned at first and where it was best."""

    tensors: Tensors
    position: Position
    run: Mapping[str, Any]
    evaluations: list[dict[str, Any]]
    gradients: list[dict[str, Any]] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """As a safetensors file: the same state gives the same bytes."""
        description = {
            "format": FORMAT,
            "position": asdict(self.position),
            "run": dict(self.run),
            "evaluations": self.evaluations,
            "gradients": self.gradients,
        }
        tensors = {name: np.ascontiguousarray(self.tensors[name]) for name in sorted(self.tensors)}
        text = json.dumps({**description, "digest": _digest(description, tensors)}, sort_keys=True, allow_nan=False)
        return save(tensors, metadata={METADATA_KEY: text})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises TrainingStateError when the bytes are not a whole, undamaged resume point."""
        try:
            description = json.loads(_metadata(data)[METADATA_KEY])
            if description["format"] != FORMAT:
                raise TrainingStateError(f"not a resume point of format {FORMAT}")
            tensors, digest = load(data), description.pop("digest")
            if digest != _digest(description, tensors):
                raise TrainingStateError("damaged: the digest is not that of the content")
            position = Position(**description["position"])
            measured = description["evaluations"], description.get("gradients", [])
            return cls(tensors, position, description["run"], *measured)
        except TrainingStateError:
            raise
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            raise TrainingStateError(f"not a resume point: {error}") from error


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
