"""Stores of corpora of both kinds: in a folder, and mirrored from a store of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from durable.directory_objects import DirectoryObjects
from service.training.corpora.shared import SharedCorpusStore
from service.training.corpora.store import CorpusStore


class NewStore(Protocol):
    """Opens the same corpora once more, as another process or machine does."""

    def __call__(self, **options: Any) -> CorpusStore: ...


@pytest.fixture(params=["local", "shared"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    machines = iter(range(100))

    def new(**options: Any) -> CorpusStore:
        if request.param == "local":
            return CorpusStore(tmp_path / "corpora", **options)
        objects = DirectoryObjects(tmp_path / "objects")
        return SharedCorpusStore(tmp_path / f"machine-{next(machines)}", objects, **options)

    return new
