"""Hand-made parts for generation: an engine that counts, a store in memory, a Redis that can be switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Items

import numpy as np
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import TREE_WIDTH, Engine, Logprobs, Output, Sequence, Series, State
from charrnn.engine.refilled import RefilledBatch
from charrnn.engine.tree import BatchTree
from charrnn.record import TrainingRecord
from charrnn.vocabulary import Vocabulary
from model_store.aliases import AliasChange
from model_store.errors import NotFoundError
from service.generation.cache import GenerationCache
from service.generation.generator import TextGenerator
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.output import STANDARD_ERROR

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class CountingEngine:
    """After a letter comes the one that is (1 + seed) further on; remembers what was asked of it."""

    def __init__(self, size: int = len(LETTERS)) -> None:
        self.size = size
        self.largest = 0
        self.added = 0
        self.gate: Callable[[], None] = lambda: None
        self.precision = "exact"

    def batch(self, capacity: int) -> CountingBatch:
        return CountingBatch(self, capacity)

    def series(self, series: Series, slots: int) -> RefilledBatch:
        return RefilledBatch(self.batch(slots), slots, ModelConfig(self.size, "rnn", 1), series)

    def tree(self, state: State, nodes: int) -> BatchTree:
        return BatchTree(self.batch(TREE_WIDTH), ModelConfig(self.size, "rnn", 1), state, nodes)


class CountingBatch:
    def __init__(self, engine: CountingEngine, capacity: int) -> None:
        self.engine = engine
        self.capacity = capacity
        self.rows: dict[int, tuple[Sequence, int, int]] = {}
        self.unread: dict[int, int] = {}
        self.handles = iter(range(1 << 30))

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, sequence: Sequence) -> int:
        assert len(self.rows) < self.capacity
        handle = next(self.handles)
        last = sequence.prompt[-1] if sequence.state is None or sequence.prompt.size else sequence.state.last_id
        self.rows[handle] = (sequence, int(last), 0)
        self.unread[handle] = len(sequence.prompt) - (sequence.state is None)
        self.engine.added += 1
        self.engine.largest = max(self.engine.largest, len(self.rows))
        return handle

    def remove(self, handle: int) -> None:
        del self.rows[handle]

    def state(self, handle: int) -> State:
        _, last, made = self.rows[handle]
        return State(np.zeros((1, 1, 1), np.float32), last, made, np.empty(0, np.int32), np.empty(0, np.bool_))

    def step(self, steps: int) -> list[Output]:
        self.engine.gate()
        for handle in self.rows:
            self.unread[handle] -= steps
        return [self._advance(handle, min(steps, 3)) for handle in self.rows if not self._is_reading(handle)]

    def _is_reading(self, handle: int) -> bool:
        """Before a text prompts are read in no time; a sequence that does nothing else takes its steps."""
        sequence, _, _ = self.rows[handle]
        return not (sequence.length or sequence.score) and self.unread[handle] > 0

    def _advance(self, handle: int, steps: int) -> Output:
        sequence, last, made = self.rows[handle]
        count = min(steps, sequence.length - made)
        ids = (last + (1 + sequence.sampling.seed) * np.arange(1, count + 1)) % self.engine.size
        ends = np.flatnonzero(ids == sequence.end_id)
        ended, count = ends.size > 0, int(ends[0]) + 1 if ends.size else count
        self.rows[handle] = (sequence, int(ids[count - 1]) if count else last, made + count)
        output = Output(handle, ids[:count].astype(np.int32), ended or made + count == sequence.length)
        output.logprobs, output.ended = self._logprobs(sequence, count), ended
        if sequence.score and not made:
            output.prompt_logprobs = self._prompt_logprobs(sequence)
        return output

    def _prompt_logprobs(self, sequence: Sequence) -> Logprobs:
        """An even chance for each letter, so that results are predictable."""
        count, k = len(sequence.prompt), sequence.sampling.logprobs or 0
        chosen = np.full(count, -np.log(2), np.float32)
        chosen[0] = np.nan
        return Logprobs(chosen, np.zeros((count, k), np.int32), np.full((count, k), -np.log(2), np.float32))

    def _logprobs(self, sequence: Sequence, count: int) -> Logprobs | None:
        if sequence.sampling.logprobs is None:
            return None
        k = sequence.sampling.logprobs
        return Logprobs(np.zeros(count, np.float32), np.zeros((count, k), np.int32), np.zeros((count, k), np.float32))


class MemoryStore:
    """Checkpoints in a dictionary; `current` is the latest unless set."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[int, Checkpoint | Exception]] = {}
        self.current: dict[str, list[int]] = {}
        self.loads = 0

    def put(self, name: str, checkpoint: Checkpoint | Exception) -> int:
        version = len(self.versions.setdefault(name, {})) + 1
        self.versions[name][version] = checkpoint
        self.current.setdefault(name, []).append(version)
        return version

    def resolve(self, name: str, selector: str | None = None) -> int:
        if name not in self.versions:
            raise NotFoundError("model", f"there is no model {name}")
        version = int(selector) if selector else self.current[name][-1]
        if version not in self.versions[name]:
            raise NotFoundError("version", f"{name} has no version {version}")
        return version

    def history(self, name: str, alias: str = "current") -> tuple[AliasChange, ...]:
        assert alias == "current"
        return tuple(AliasChange(version, "2026-01-01T00:00:00Z") for version in self.current[name])

    def load(self, name: str, version: int) -> Checkpoint:
        self.loads += 1
        found = self.versions[name][version]
        if isinstance(found, Exception):
            raise found
        return found


class MemoryRedis:
    """The commands that the cache and the states of prompts use, and a switch."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.ttls: dict[str, int] = {}
        self.up = True
        self.full = False
        self.calls = 0

    def _call(self) -> None:
        self.calls += 1
        if not self.up:
            raise RedisConnectionError("refused")

    def get(self, name: str) -> bytes | None:
        self._call()
        return self.values.get(name)

    def set(self, name: str, value: bytes, *, ex: int) -> None:
        self._call()
        self.values[name] = value
        self.ttls[name] = ex

    def keeps(self) -> bool:
        return not self.full

    def mget(self, names: Items[str]) -> list[bytes | None]:
        self._call()
        return [self.values.get(name) for name in names]

    def set_all(self, values: Mapping[str, bytes], *, ex: int) -> None:
        self._call()
        self.values |= values
        self.ttls |= dict.fromkeys(values, ex)


def checkpoint(characters: str = LETTERS, loss: float = 1.0) -> Checkpoint:
    """A tiny network that knows the characters."""
    config = ModelConfig(len(characters), cell="rnn", hidden_size=1)
    weights = {name: np.full(shape, loss, np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, Vocabulary(characters), weights, TrainingRecord({"validation_loss": loss}))


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
def store() -> MemoryStore:
    memory = MemoryStore()
    memory.put("letters", checkpoint())
    return memory


@pytest.fixture
def redis() -> MemoryRedis:
    return MemoryRedis()


@pytest.fixture
def new_checkpoint() -> Callable[..., Checkpoint]:
    return checkpoint


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(max_active=4, max_waiting=4)
    scheduler.start()
    yield scheduler
    scheduler.close()


@pytest.fixture
def models(store: MemoryStore, engine: CountingEngine) -> ResidentModels:
    def build(_: Checkpoint) -> Engine:
        return engine

    return ResidentModels(store, build)


@pytest.fixture
def generator(models: ResidentModels, redis: MemoryRedis, scheduler: Scheduler) -> TextGenerator:
    return TextGenerator(models, GenerationCache(redis, ttl=60), scheduler)


@pytest.fixture(autouse=True)
def log_is_written() -> Iterator[None]:
    """What a test has logged is written while it is captured, not in the middle of pytest's own output."""
    yield
    STANDARD_ERROR.flush()
