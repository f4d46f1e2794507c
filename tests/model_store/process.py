"""A process that does with a store what its standard input says, one JSON line after the other; answers in kind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.vocabulary import Vocabulary
from durable.directory_objects import DirectoryObjects
from model_store import AliasedError, ModelStore, NoEarlierVersionError, NotFoundError
from model_store.shared import SharedModelStore

NAME = "bard"
SIZES = {"publish": 3, "publish large": 1000}
"""Hidden units: some hundred bytes, and 4 MB, which are not written in one go."""


def made(value: int, hidden_size: int) -> Checkpoint:
    config = ModelConfig(vocabulary_size=4, cell="rnn", hidden_size=hidden_size)
    weights = {name: np.full(shape, value, np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, Vocabulary("ehlo"), weights, TrainingRecord({"value": value}))


def act(store: ModelStore, action: str, value: int) -> dict[str, Any]:
    """One action; what it did or saw, as (version, digest) pairs."""
    if action in SIZES:
        checkpoint = made(value, SIZES[action])
        return {"published": [store.publish(NAME, checkpoint), checkpoint.digest]}
    try:
        existing = store.versions(NAME)
        if action == "read":
            version = existing[value % len(existing)]
            return {"seen": [version, store.load(NAME, version).digest]}
        if action == "alias":
            store.set_alias(NAME, "current", existing[value % len(existing)])
        elif action == "rollback":
            store.rollback(NAME)
        elif action == "resolve":
            version = store.resolve(NAME)
            return {"seen": [version, store.load(NAME, version).digest]}
        elif action == "delete":
            version = existing[value % len(existing)]
            store.delete(NAME, version)
            return {"deleted": version}
    except (NotFoundError, AliasedError, NoEarlierVersionError, ZeroDivisionError):
        return {}
    return {}


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        root, objects = Path(job["root"]), job["objects"]
        store = SharedModelStore(root, DirectoryObjects(Path(objects))) if objects else ModelStore(root)
        print(json.dumps([act(store, action, value) for action, value in job["plan"]]), flush=True)


if __name__ == "__main__":
    main()
