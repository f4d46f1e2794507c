"""The loss on held-out text, against reading it in one go."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.model import CharRNN
from charrnn.training.batches import RecordSteps
from charrnn.training.evaluation import MAX_LOGITS, WARM_UP, evaluate, evaluation, record_evaluation
from charrnn.training.shards import Shards
from charrnn.training.text import Passages


def model(cell: Cell = "lstm") -> CharRNN:
    torch.manual_seed(0)
    return CharRNN(ModelConfig(7, cell, hidden_size=12, layers=2, embedding_size=5), dropout=0.5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("characters", [2, 100, 257, 1000])
def test_it_is_the_mean_over_all_characters_but_the_first(cell: Cell, characters: int) -> None:
    network = model(cell)
    ids = np.random.default_rng(0).integers(0, 7, characters).astype(np.uint8)
    network.eval()
    logits, _ = network(torch.tensor(ids[None, :-1]).long())
    expected = torch.nn.functional.cross_entropy(logits[0], torch.tensor(ids[1:]).long()).item()
    network.train()
    assert evaluate(network, ids) == pytest.approx(expected, abs=1e-5)
    assert network.training


def test_reading_side_by_side_is_reading_in_one_go() -> None:
    ids = np.random.default_rng(0).integers(0, 7, 16 * WARM_UP + 3).astype(np.uint8)
    network = model()
    assert evaluate(network, ids, streams=4) == pytest.approx(evaluate(network, ids, streams=1), abs=1e-6)


def test_a_network_that_knows_nothing_is_at_the_logarithm_of_the_vocabulary() -> None:
    network = model()
    with torch.no_grad():
        for weight in network.output.parameters():
            weight.zero_()
    assert evaluate(network, np.zeros(50, dtype=np.uint8)) == pytest.approx(math.log(7))


def test_a_large_vocabulary_is_read_in_short_segments_to_the_same_loss() -> None:
    torch.manual_seed(0)
    network = CharRNN(ModelConfig(60_000, "gru", hidden_size=4, embedding_size=3))
    ids = np.random.default_rng(0).integers(0, 60_000, 600).astype(np.uint16)
    words = list(evaluation(network, ids))
    assert len(words) > 599 * 60_000 / MAX_LOGITS
    logits, _ = network(torch.tensor(ids[None, :-1]).long())
    expected = torch.nn.functional.cross_entropy(logits[0], torch.tensor(ids[1:]).long()).item()
    assert words[-1] == pytest.approx(expected, abs=1e-4)


def test_records_are_read_in_short_segments_too_each_from_a_state_of_zeros() -> None:
    torch.manual_seed(0)
    network, random = CharRNN(ModelConfig(60_000, "gru", hidden_size=4, embedding_size=3)), np.random.default_rng(0)
    lengths = random.integers(1, 40, 50)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    inputs, targets = (random.integers(0, 60_000, bounds[-1]).astype(np.int32) for _ in range(2))
    targets[random.random(targets.size) < 0.3] = -1
    steps = RecordSteps(inputs, targets, bounds, np.add.reduceat(targets >= 0, bounds[:-1]))
    found = list(record_evaluation(network, steps, np.arange(50), Shards(1)))
    assert len(found) > lengths.sum() * 60_000 / MAX_LOGITS
    apart = [
        torch.nn.functional.cross_entropy(
            network(torch.tensor(inputs[None, a:b]).long())[0][0],
            torch.tensor(targets[a:b]).long(),
            ignore_index=-1,
            reduction="sum",
        ).item()
        for a, b in pairwise(bounds)
    ]
    assert found[-1] == pytest.approx(sum(apart) / (targets >= 0).sum(), abs=1e-4)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("length", [300, 9000])
def test_each_passage_is_read_from_a_state_of_zeros(cell: Cell, length: int) -> None:
    """Be they read side by side, warmed up by what stands before them, or one after the other."""
    network, ids = model(cell), np.random.default_rng(0).integers(0, 7, length).astype(np.uint8)
    bounds = [(3, 90), (100, 103), (110, 111), (120, length // 2), (length // 2 + 9, length)]
    predicted = [stop - start - 1 for start, stop in bounds]
    apart = [evaluate(network, ids[start:stop]) * (stop - start - 1) for start, stop in bounds if stop - start > 1]
    for streams in (None, 1):
        loss = evaluate(network, Passages(ids, bounds), streams)
        assert loss == pytest.approx(sum(apart) / sum(predicted), abs=1e-5)
