"""A tree's numbers are those of sequences with the same ids, bit for bit, in whatever order it grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.config import CELLS
from charrnn.engine.base import TREE_WIDTH, Engine, Sequence, Tree
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.batch import GpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.engine.refilled import state_after
from charrnn.sampling import Logits, SamplingParams
from charrnn.vocabulary import Ids
from charrnn.words import WordVocabulary
from tests.charrnn.engine.conftest import MakeCheckpoint
from tests.networks import with_counts

V = 20
NODES = 100


def ids_of(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


@pytest.fixture(
    params=[*((cell, kind) for cell in CELLS for kind in ("int8", "float32")), ("lstm", "reference"), ("gru", "gpu")]
)
def engine(request: Any, make_checkpoint: MakeCheckpoint) -> Engine:
    cell, kind = request.param
    checkpoint = make_checkpoint(cell, V, 24, layers=2)
    if kind == "gpu":
        return GpuEngine(checkpoint, "cpu")
    mixed = with_counts(checkpoint)
    return ReferenceEngine(mixed) if kind == "reference" else CpuEngine(mixed, kind)


def expected(engine: Engine, ids: Ids) -> Logits:
    """The log-probabilities of all ids after these."""
    batch = engine.batch(1)
    batch.add(Sequence(ids, 1, SamplingParams(temperature=0, logprobs=V)))
    (output,) = batch.step(10_000)
    assert output.logprobs is not None
    row = np.empty(V, dtype=np.float32)
    row[output.logprobs.top_ids[0]] = output.logprobs.top[0]
    return row


def grown(tree: Tree, root: Ids, random: np.random.Generator) -> tuple[list[Ids], list[Logits]]:
    """The tree's texts and log-probabilities, once it has grown from its root at random."""
    texts, rows = [root[:-1], root], [*tree.grow([0], [int(root[-1])])]
    while len(texts) < NODES - TREE_WIDTH:
        n = int(random.integers(1, TREE_WIDTH + 1))
        parents, ids = random.integers(1, len(texts), n).tolist(), random.integers(0, V, n).tolist()
        rows += list(tree.grow(parents, ids))
        texts += [np.append(texts[parent], np.int32(id_)) for parent, id_ in zip(parents, ids, strict=True)]
    return texts[1:], rows


@pytest.mark.parametrize("length", [1, 300])
def test_they_are_those_of_sequences(engine: Engine, length: int) -> None:
    random = np.random.default_rng(length)
    root = random.integers(0, V, length).astype(np.int32)
    tree = engine.tree(state_after(engine, root), NODES)
    texts, rows = grown(tree, root, random)
    assert len(tree) == 1 + len(texts)
    for i in random.integers(0, len(texts), 6).tolist():
        np.testing.assert_array_equal(rows[i], expected(engine, texts[i]))


def test_words_that_may_not_follow_are_reported_too(make_checkpoint: MakeCheckpoint) -> None:
    vocabulary = WordVocabulary.of(["some words follow others , and none follows itself"])
    checkpoint = make_checkpoint("gru", hidden=24, tokens=vocabulary)
    prompt = vocabulary.encode("some words")
    rows = []
    for engine in (CpuEngine(checkpoint, "float32"), ReferenceEngine(checkpoint)):
        rows += list(engine.tree(state_after(engine, prompt), 9).grow([0], [int(prompt[-1])]))
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-4)
    assert np.exp(rows[0]).sum() == pytest.approx(1, abs=1e-4)


def test_a_state_of_another_shape_is_refused(make_checkpoint: MakeCheckpoint) -> None:
    state = state_after(CpuEngine(make_checkpoint("gru", V, 16)), ids_of(1))
    with pytest.raises(ValueError, match="must have shape"):
        CpuEngine(make_checkpoint("gru", V, 24)).tree(state, 9)


@pytest.mark.parametrize("kind", [CpuEngine, ReferenceEngine])
def test_no_more_nodes_than_there_is_room_for(kind: Any, make_checkpoint: MakeCheckpoint) -> None:
    engine = kind(make_checkpoint("gru", V, 24))
    tree = engine.tree(state_after(engine, ids_of(1)), 3)
    tree.grow([0], [1])
    with pytest.raises(OverflowError, match="room for 3 nodes, not for 4"):
        tree.grow([1, 1], [2, 3])
    assert len(tree) == 2
