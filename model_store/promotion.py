"""Decides whether a new version becomes the one that serves; knows nothing of how it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.record import TrainingRecord
from model_store import sidecars
from model_store.comparison import better
from model_store.errors import DamagedVersionError, NotFoundError
from model_store.names import CURRENT
from model_store.store import ModelStore

Promote = Literal["if_better", "always", "never"]

POLICIES: Final[tuple[Promote, ...]] = get_args(Promote)
DEFAULT_POLICY: Final[Promote] = "if_better"


@dataclass(frozen=True, slots=True)
class Publication:
    """The result of publishing a checkpoint: its version, and whether `current` points to it now."""

    version: int
    promoted: bool


def publish_and_promote(
    store: ModelStore, name: str, checkpoint: Checkpoint, promote: Promote = DEFAULT_POLICY, reason: str = ""
) -> Publication:
    """Publish the checkpoint and promote it if the policy says so; see `promote_version`."""
    version = store.publish(name, checkpoint)
    return Publication(version, promote_version(store, name, version, promote, reason))


def promote_version(store: ModelStore, name: str, version: int, policy: Promote, reason: str = "") -> bool:
    """Point `current` to the version if the policy says so; returns whether it does now.

    `if_better`: when there is no current version, when its validation loss is lower, or when the two losses cannot be
    compared: they were not measured on the same part of the same text, or one was not measured (nothing is held out of
    a short text). Someone who trains a model again wants it to serve unless there is a reason against it.
    """
    if policy == "never":
        return False
    record = store.describe(name, version).record

    def wanted(held: int | None) -> bool:
        return policy == "always" or held is None or better(record, _record(store, name, held))

    return store.set_alias_if(name, CURRENT, version, wanted, reason)


def install_starter(store: ModelStore, name: str, path: Path) -> int | None:
    """Publish the checkpoint file as version 1 of a model that never had one, with the sidecars beside the file, and
    point `current` to it.

    Returns the version, or None when the model had one already. Any number of processes may call this at every start:
    only one of them gets the version, and what a killed process left unfinished is completed by the next.
    """
    installed = False

    def stands_for_nothing(held: int | None) -> bool:
        nonlocal installed
        installed = held is None
        return installed

    if store.has(name) and CURRENT in store.aliases(name):
        return None
    checkpoint = checkpoints.load(path)
    version = store.publish_first(name, checkpoint) or store.find(name, checkpoint.digest)
    if version == 1:
        _keep_sidecars(store, name, path)
        store.set_alias_if(name, CURRENT, 1, stands_for_nothing, "the starter model")
    return version if installed else None


def _keep_sidecars(store: ModelStore, name: str, path: Path) -> None:
    for beside in path.parent.glob(f"{path.stem}.*.json"):
        if (value := sidecars.load(beside)) is not None:
            store.keep(name, 1, beside.suffixes[-2].removeprefix("."), value)


def _record(store: ModelStore, name: str, version: int) -> TrainingRecord:
    """The version's training record; if it cannot be read, an empty one, compared to which any other is better."""
    try:
        return store.describe(name, version).record
    except (DamagedVersionError, NotFoundError):
        return TrainingRecord()
