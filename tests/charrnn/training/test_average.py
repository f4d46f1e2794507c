"""The moving average of a network's weights."""

import numpy as np
import torch

from charrnn.config import ModelConfig
from charrnn.model import CharRNN
from charrnn.training.average import DECAY, Average


def network(value: float) -> CharRNN:
    model = CharRNN(ModelConfig(3, "rnn", hidden_size=2))
    model.load_weights({name: np.full(shape, value, np.float32) for name, shape in model.config.shapes().items()})
    return model


def values(average: Average) -> set[float]:
    return {float(x) for weight in average.model.weights().values() for x in weight.ravel()}


def test_each_step_counts_for_less_the_longer_it_is_ago() -> None:
    average, expected = Average(network(0.0)), torch.tensor(0.0)
    for step in range(1, 40):
        average.update(network(float(step)))
        expected = expected.lerp(torch.tensor(float(step)), 1 - min(DECAY, step / (10 + step)))
    assert values(average) == {expected.item()}


def test_it_goes_on_where_it_was() -> None:
    whole, part = Average(network(0.0)), Average(network(0.0))
    for step in range(5):
        whole.update(network(step))
        part.update(network(step))
    rest = Average(network(7.0))
    rest.restore(part.model.weights(), 5)
    for step in range(5, 9):
        whole.update(network(step))
        rest.update(network(step))
    assert values(rest) == values(whole)


def test_the_first_weights_of_all_are_soon_forgotten_and_the_network_stays_as_it_is() -> None:
    model = network(1.0)
    average = Average(network(100.0))
    for _ in range(200):
        average.update(model)
    assert abs(values(average).pop() - 1.0) < 1e-2
    assert (model.weights()["output.weight"] == 1.0).all()
