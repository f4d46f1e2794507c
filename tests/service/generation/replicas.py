"""Generators that stand for the web processes of replicas, over small networks of every kind, and requests to them."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import host_features, runnable_isas
from charrnn.engine.gpu.batch import GpuEngine
from charrnn.engine.steering import Held
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from service.generation.cache import GenerationCache
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.networks import random_network
from tests.service.conftest import MemoryRedis, MemoryStore
from tests.service.generation.record_models import arranged, less_likely_to_end

ISAS: Final = runnable_isas(host_features())
LETTERS: Final = Vocabulary("\nab")
WORDS: Final = WordVocabulary(("a", "ab", "b", "\n", " ", "ba"))
NETWORKS: Final = {
    "lstm": random_network(LETTERS, "lstm", 20, 2),
    "gru": random_network(LETTERS, "gru", 20),
    "rnn": random_network(LETTERS, "rnn", 20, 2),
    "words": random_network(WORDS, "gru", 9),
    "records": less_likely_to_end(random_network(Vocabulary("ab"), "lstm", 9, arrangement=arranged("generate"))),
}


def engine_of(checkpoint: Checkpoint, kind: str) -> Engine:
    if kind == "gpu":
        return GpuEngine(checkpoint, "cpu")
    if kind == "float32":
        return CpuEngine(checkpoint, "float32")
    return CpuEngine(checkpoint, "int8", next(isa for isa in ISAS if isa == kind))


class Replicas:
    """Generators that share nothing but the versions and, if there is one, the cache."""

    def __init__(self, redis: MemoryRedis | None = None) -> None:
        self.redis = redis
        self.store = MemoryStore()
        for name, network in NETWORKS.items():
            self.store.put(name, network)
        self.schedulers: dict[str, Scheduler] = {}
        self._made: dict[str, TextGenerator] = {}

    def replica(self, kind: str) -> TextGenerator:
        if kind not in self._made:
            self.schedulers[kind] = Scheduler(max_active=32, max_waiting=0)
            self.schedulers[kind].start()
            models = ResidentModels(self.store, lambda checkpoint: engine_of(checkpoint, kind))
            redis = MemoryRedis() if self.redis is None else self.redis
            self._made[kind] = TextGenerator(models, GenerationCache(redis, ttl=60), self.schedulers[kind])
        return self._made[kind]


penalties = st.sampled_from([(1.0, 0.0, 0.0), (1.5, 0.0, 0.0), (0.8, 0.5, -0.5), (1.0, 1.0, 0.3)])
samplings = st.builds(
    lambda temperature, top_k, penalty, bias: SamplingParams(
        temperature=temperature,
        top_k=top_k,
        repetition_penalty=penalty[0],
        presence_penalty=penalty[1],
        frequency_penalty=penalty[2],
        logit_bias=bias,
    ),
    st.sampled_from([0.0, 0.7, 1.0, 2.0]),
    st.sampled_from([0, 2]),
    penalties,
    st.sampled_from([(), ((1, 2.0),)]),
)
stops = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3).map(tuple)
requests = st.builds(
    GenerationRequest,
    model=st.sampled_from(list(NETWORKS)),
    prompt=st.sampled_from(["", "a", "ab" * 40]),
    seed=st.integers(-(1 << 63), (1 << 63) - 1),
    sampling=samplings,
    stop=stops,
    include_stop=st.booleans(),
    min_tokens=st.sampled_from([0, 0, 7, 300]),
    held=st.sampled_from([(), (), (Held(0, 3, "hidden", -0.9), Held(0, 8, "hidden", 0.5))]),
)
lengths = st.lists(st.integers(1, 30) | st.sampled_from([1, 2, 300]), min_size=2, max_size=4)
kinds = st.sampled_from([ISAS, ISAS, ("float32",), ("gpu",)])
