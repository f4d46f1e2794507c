"""The weights with which training begins."""

import pytest
import torch

from charrnn.config import Cell, ModelConfig
from charrnn.model import CharRNN


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("embedding_size", [0, 32])
def test_what_is_read_moves_all_layers_as_much(cell: Cell, embedding_size: int) -> None:
    """Sums of inputs that vary by 1 vary by 1, whatever the sizes."""
    torch.manual_seed(0)
    network = CharRNN(ModelConfig(50, cell, 128, 2, embedding_size))
    vectors = network.input_vectors(torch.arange(50))
    for layer, inputs in enumerate((vectors, torch.randn(50, 128))):
        moved = inputs @ getattr(network.rnn, f"weight_ih_l{layer}").T
        assert moved.var().item() == pytest.approx(1, rel=0.25)


def test_logits_vary_as_much_as_what_the_output_layer_reads() -> None:
    torch.manual_seed(0)
    network = CharRNN(ModelConfig(500, "lstm", 128, 1, 32))
    assert network.logits(torch.randn(50, 128)).var().item() == pytest.approx(1, rel=0.25)


def test_networks_that_write_labels_begin_with_the_weights_of_torch() -> None:
    torch.manual_seed(0)
    network = CharRNN(ModelConfig(50, "lstm", 128, 1, 32, 3))
    assert abs(network.weights()["rnn.weight_ih_l0"]).max() <= 128**-0.5
