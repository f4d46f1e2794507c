"""The versions in memory, ready to generate: a new version is loaded beside the old one, and then replaces it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from charrnn.checkpoint import Checkpoint, CheckpointError
from charrnn.config import ModelConfig
from charrnn.engine.base import Engine, Sequence
from charrnn.engine.cpu.code import CompilationError
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Vocabulary
from model_store.aliases import AliasChange
from model_store.errors import DamagedVersionError, NotFoundError
from model_store.names import CURRENT, is_number, parse_reference
from service.generation.errors import ModelUnavailableError

log = logging.getLogger(__name__)

Key = tuple[str, int]

RETRY_SECONDS: Final = 10.0
"""How long to wait before loading a version again that could not be loaded."""


class Store(Protocol):
    """What is needed of a model store."""

    def resolve(self, name: str, selector: str | None = None) -> int: ...
    def load(self, name: str, version: int) -> Checkpoint: ...
    def history(self, name: str, alias: str = CURRENT) -> tuple[AliasChange, ...]: ...


@dataclass(frozen=True, eq=False, slots=True)
class ResidentModel:
    """One loaded version; immutable, and kept alive by the requests that started with it."""

    name: str
    version: int
    digest: str
    config: ModelConfig
    vocabulary: Vocabulary
    engine: Engine
    arrangement: Arrangement = TEXT


class ResidentModels:
    """Up to `capacity` versions; the least recently used is evicted first.

    A reference is resolved at every request, so a promotion by any process holds from the next request on. If the
    version that an alias points to cannot be loaded, the previous one in the alias's history serves.
    """

    def __init__(
        self,
        store: Store,
        build: Callable[[Checkpoint], Engine],
        capacity: int = 16,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._build = build
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._models: OrderedDict[Key, ResidentModel] = OrderedDict()
        self._references: dict[str, Key] = {}
        """The references in use, with the versions that they last meant."""
        self._failed: dict[Key, tuple[float, str]] = {}

    def get(self, reference: str) -> ResidentModel:
        """The version that `name`, `name@3` or `name@alias` refers to now.

        Raises the store's errors if there is none, ModelUnavailableError if it cannot be loaded.
        """
        name, selector = parse_reference(reference)
        key = (name, self._store.resolve(name, selector))
        try:
            model = self._find(key) or self._load(key)
        except (ModelUnavailableError, NotFoundError):
            if selector is not None and is_number(selector):
                raise
            model = self._stand_in(key, selector or CURRENT)
        self._references[reference] = key
        return model

    def resolve(self, reference: str) -> Key:
        """Name and number of the version that the reference means; nothing is loaded. Raises InvalidNameError,
        NotFoundError."""
        name, selector = parse_reference(reference)
        return name, self._store.resolve(name, selector)

    def loaded(self) -> list[ResidentModel]:
        """The versions in memory."""
        with self._lock:
            return list(self._models.values())

    def refresh(self) -> None:
        """Load the versions that references in use have come to point to, so that the next request need not wait. A
        reference to a version that has left memory is no longer in use."""
        for reference, before in list(self._references.items()):
            try:
                if before in self._failed or (key := self.resolve(reference)) != before:
                    self.get(reference)
                elif key not in self._models:
                    self._references.pop(reference, None)
            except Exception as error:
                log.debug("%s is no longer served: %s", reference, error)
                self._references.pop(reference, None)
        for name, version in list(self._failed):
            with suppress(NotFoundError):
                self._store.resolve(name, str(version))
                continue
            self._failed.pop((name, version), None)

    @property
    def degraded(self) -> list[str]:
        """The versions that could not be loaded, with the reasons."""
        return [f"{name}@{version}: {reason}" for (name, version), (_, reason) in list(self._failed.items())]

    def _stand_in(self, failed: Key, alias: str) -> ResidentModel:
        """The latest version in the alias's history that can be loaded. Raises ModelUnavailableError."""
        for change in reversed(self._store.history(failed[0], alias)):
            key = (failed[0], change.version)
            try:
                return self._find(key) or self._load(key)
            except (ModelUnavailableError, NotFoundError) as error:
                log.debug("%s cannot stand in: %s", key, error)
        raise ModelUnavailableError(f"{failed[0]} version {failed[1]} cannot be loaded, nor any before it")

    def _find(self, key: Key) -> ResidentModel | None:
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
            return self._models.get(key)

    def _load(self, key: Key) -> ResidentModel:
        with self._loading:
            if (model := self._find(key)) is not None:
                return model
            self._refuse_if_it_just_failed(key)
            try:
                model = self._read(key)
            except (DamagedVersionError, CheckpointError, CompilationError, OSError, MemoryError) as error:
                reason = (
                    type(error).__name__ if isinstance(error, OSError | CompilationError) else str(error)
                )  # no paths
                self._failed[key] = (self._clock(), reason)
                log.error("%s version %d cannot be loaded: %s", *key, error, exc_info=log.isEnabledFor(logging.DEBUG))
                raise ModelUnavailableError(f"{key[0]} version {key[1]} cannot be loaded: {reason}") from error
            self._keep(key, model)
            return model

    def _refuse_if_it_just_failed(self, key: Key) -> None:
        since, reason = self._failed.get(key, (float("-inf"), ""))
        if self._clock() - since < RETRY_SECONDS:
            raise ModelUnavailableError(f"{key[0]} version {key[1]} cannot be loaded: {reason}")

    def _read(self, key: Key) -> ResidentModel:
        began = time.perf_counter()
        checkpoint = self._store.load(*key)
        engine = self._build(checkpoint)
        _warm(engine, checkpoint.vocabulary)
        log.info("%s version %d loaded in %.3f s", *key, time.perf_counter() - began)
        config, vocabulary, arrangement = checkpoint.config, checkpoint.vocabulary, checkpoint.arrangement
        return ResidentModel(*key, checkpoint.digest, config, vocabulary, engine, arrangement)

    def _keep(self, key: Key, model: ResidentModel) -> None:
        with self._lock:
            self._failed.pop(key, None)
            self._models[key] = model
            while len(self._models) > self._capacity:
                self._models.popitem(last=False)


def _warm(engine: Engine, vocabulary: Vocabulary) -> None:
    """Read and choose a little, so that an engine's initialization happens before the first request; a label that is
    chosen cannot be read."""
    batch = engine.batch(1)
    batch.add(Sequence(np.array([vocabulary.start_id] * 2, dtype=np.int32), length=1))
    batch.step(4)
