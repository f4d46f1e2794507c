"""Streams in shards: none is left out, and a step is the same step, on any number of cores."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.evaluation import evaluation
from charrnn.training.precision import FLOAT32
from charrnn.training.shards import MAX_SHARDS, MIN_STREAMS, Shards, usual_count
from charrnn.training.state import TrainingState
from charrnn.training.steps import Learner
from charrnn.training.text import Streams
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary
from tests.charrnn.training.brief import brief
from tests.texts import FOX
from tests.waiting import LONGEST

CPU = torch.device("cpu")
VOCABULARY = Vocabulary.of([FOX])
IDS = VOCABULARY.encode(FOX).astype(np.uint8)
TRAINING = TrainingConfig(Budget(steps=6), segment_length=16, batch_size=24, dropout=0.3, seed=3)
CONFIG = ModelConfig(len(VOCABULARY), "lstm", hidden_size=12, layers=2, embedding_size=8)


@given(st.integers(1, 12), st.integers(0, 50), st.integers(1, 50))
def test_every_stream_is_in_one_shard_and_in_order(count: int, start: int, size: int) -> None:
    shards = Shards(count).of(slice(start, start + size))
    assert [i for shard in shards for i in range(shard.start, shard.stop)] == list(range(start, start + size))
    sizes = [shard.stop - shard.start for shard in shards]
    assert 0 < min(sizes) <= max(sizes) <= min(sizes) + 1


def test_shards_are_computed_at_the_same_time_on_a_thread_of_torchs_each_and_come_in_order() -> None:
    meeting = threading.Barrier(3, timeout=LONGEST)

    def compute(shard: int) -> tuple[int, int]:
        meeting.wait()
        return shard, torch.get_num_threads()

    assert Shards(3).each(compute, [5, 6, 7]) == [(5, 1), (6, 1), (7, 1)]


def test_what_fails_in_a_shard_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Shards(2).each(lambda shard: 1 // shard, [1, 0])


def test_there_are_as_many_shards_as_threads_and_enough_streams_in_each(one_thread: None) -> None:
    assert usual_count(32, CPU) == 1
    torch.set_num_threads(2)
    assert usual_count(32, CPU) == 2
    assert usual_count(2 * MIN_STREAMS - 1, CPU) == 1
    assert usual_count(1, CPU) == 1
    torch.set_num_threads(MAX_SHARDS + 1)
    assert usual_count(1000, CPU) == MAX_SHARDS
    assert usual_count(1000, torch.device("cuda")) == 1


def learner(config: ModelConfig, training: TrainingConfig, shards: int) -> Learner:
    return Learner(config, training, 24, device=CPU, precision=FLOAT32, shards=Shards(shards))


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_in_shards_is_the_step_of_the_whole(cell: Cell) -> None:
    config, training = replace(CONFIG, cell=cell), replace(TRAINING, dropout=0.0)
    streams = Streams(IDS, 24, 16)
    whole, sharded = learner(config, training, 1), learner(config, training, 3)
    for number in range(2):
        segment = streams.segment(number)
        one, other = whole.step(segment, number, 0.01), sharded.step(segment, number, 0.01)
        assert other.loss == pytest.approx(one.loss, rel=1e-5)
        assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-4)
    for kind, tensors in whole.tensors().items():
        for name, tensor in sharded.tensors()[kind].items():
            np.testing.assert_allclose(tensor, tensors[name], atol=1e-4, err_msg=f"{kind} {name}")


def test_an_evaluation_in_shards_is_that_of_the_whole() -> None:
    model = learner(CONFIG, TRAINING, 1).model
    *_, whole = evaluation(model, IDS, 7)
    *_, sharded = evaluation(model, IDS, 7, Shards(3))
    assert sharded == pytest.approx(whole, rel=1e-6)


def test_a_run_goes_on_in_as_many_shards_on_fewer_cores_and_ends_with_the_same_bytes(one_thread: None) -> None:
    def finished(state: TrainingState | None = None, stop_at: int | None = None) -> Trainer:
        trainer = brief(CONFIG, TRAINING, TrainingText(IDS, VOCABULARY), state=state)
        for report in trainer.run():
            if report.step == stop_at:
                break
        return trainer

    torch.set_num_threads(3)
    whole = finished().checkpoint().to_bytes()
    state = finished(stop_at=0).state()
    assert state.run["parts"] == 3
    torch.set_num_threads(1)
    assert finished(state=state).checkpoint().to_bytes() == whole
    assert finished().checkpoint().to_bytes() != whole
