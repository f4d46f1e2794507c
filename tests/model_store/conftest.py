"""Stores and checkpoints small enough to publish hundreds of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.vocabulary import Vocabulary
from durable.directory_objects import DirectoryObjects
from durable.objects import Objects
from durable.s3_objects import S3Objects
from model_store import ModelStore
from model_store.shared import SharedModelStore
from tests.object_server import BUCKET, ObjectServer

CONFIG = ModelConfig(vocabulary_size=4, cell="rnn", hidden_size=3)


class Checkpoints:
    """Checkpoints that differ in one number."""

    def __call__(self, value: float, **record: object) -> Checkpoint:
        weights = {name: np.full(shape, value, np.float32) for name, shape in CONFIG.shapes().items()}
        return Checkpoint(CONFIG, Vocabulary("ehlo"), weights, TrainingRecord(record))


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoints:
    return Checkpoints()


@pytest.fixture(params=["local", "shared"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ModelStore:
    """Each law of a store holds for that of one machine and for a shared one."""
    if request.param == "local":
        return ModelStore(tmp_path / "models")
    return SharedModelStore(tmp_path / "models", DirectoryObjects(tmp_path / "objects"))


@pytest.fixture
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """What machines share: a folder, or a prefix on a real server."""
    if getattr(request, "param", "directory") == "directory":
        return DirectoryObjects(tmp_path / "objects")
    server: ObjectServer = request.getfixturevalue("object_server")
    return S3Objects(BUCKET, f"models/{tmp_path.name}", server.settings())


@pytest.fixture
def here(tmp_path: Path, objects: Objects) -> SharedModelStore:
    """The store on one machine."""
    return SharedModelStore(tmp_path / "here" / "models", objects)


@pytest.fixture
def there(tmp_path: Path, objects: Objects) -> SharedModelStore:
    """The same store on another machine."""
    return SharedModelStore(tmp_path / "there" / "models", objects)
