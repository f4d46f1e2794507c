"""The bases that this service ships, from which the network of a small text can continue; knows no training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from service.training.errors import JobRequestError

FOLDER: Final = Path(__file__).parents[2] / "bases"
"""`benchmarks.shipped` makes what is there: `prose`, English of books in the public domain, and `code`: Python,
JavaScript and C."""


@dataclass(frozen=True, slots=True)
class ShippedBase:
    """A base as named in a job's plan and in the training record."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class ShippedBases:
    """The checkpoints in a folder; those shipped by default."""

    folder: Path = FOLDER

    def all(self) -> list[tuple[ShippedBase, Checkpoint]]:
        """All bases. Raises CheckpointError."""
        found = [(path.stem, checkpoints.load(path)) for path in sorted(self.folder.glob("*.safetensors"))]
        return [(ShippedBase(name, checkpoint.digest), checkpoint) for name, checkpoint in found]

    def load(self, base: ShippedBase) -> Checkpoint:
        """The base's checkpoint. Raises JobRequestError if this release ships another, or none, CheckpointError."""
        for each, checkpoint in self.all():
            if each == base:
                return checkpoint
        raise JobRequestError("base", f"base {base.name} is not the one that the job began with")
