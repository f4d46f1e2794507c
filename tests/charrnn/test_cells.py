"""The equations against torch's own modules, which were written by others."""

import numpy as np
import pytest
import torch

from charrnn import cells
from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.model import MODULES, CharRNN

X, H = 5, 7
TORCH_CELLS = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}


def torch_cell(cell: Cell) -> tuple[torch.nn.Module, cells.LayerWeights]:
    torch.manual_seed(3)
    module = TORCH_CELLS[cell](X, H).double()
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return module, cells.LayerWeights(*(getattr(module, name).detach().numpy() for name in names))


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_a_step_with_one_state_vector_is_torchs(cell: Cell) -> None:
    module, weights = torch_cell(cell)
    x, h = torch.randn(X).double(), torch.randn(H).double()
    mine = {"rnn": cells.rnn, "gru": cells.gru}[cell](weights, x.numpy(), h.numpy())
    np.testing.assert_allclose(mine, module(x, h).detach().numpy(), atol=1e-12)


def test_an_lstm_step_is_torchs() -> None:
    module, weights = torch_cell("lstm")
    x, h, c = torch.randn(X).double(), torch.randn(H).double(), torch.randn(H).double()
    mine = cells.lstm(weights, x.numpy(), h.numpy(), c.numpy())
    theirs = module(x, (h, c))
    np.testing.assert_allclose(mine[0], theirs[0].detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(mine[1], theirs[1].detach().numpy(), atol=1e-12)


def test_a_step_of_the_vanilla_network_by_hand() -> None:
    weights = cells.LayerWeights(
        W_xh=np.array([[1.0, 0.0], [0.0, 2.0]]),
        W_hh=np.array([[0.0, 0.5], [0.5, 0.0]]),
        b_xh=np.array([0.1, 0.0]),
        b_hh=np.array([0.0, -0.1]),
    )
    h = cells.rnn(weights, np.array([1.0, 0.0]), np.array([0.2, 0.4]))
    np.testing.assert_allclose(h, [np.tanh(1.0 + 0.2 + 0.1), np.tanh(0.1 - 0.1)])


def test_sigmoid_neither_overflows_nor_loses_its_ends() -> None:
    np.testing.assert_array_equal(cells.sigmoid(np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("layers", "embedding_size"), [(1, 0), (3, 0), (2, 6)])
def test_steps_of_the_whole_network_are_torchs_fused_module(cell: Cell, layers: int, embedding_size: int) -> None:
    config = ModelConfig(vocabulary_size=9, cell=cell, hidden_size=H, layers=layers, embedding_size=embedding_size)
    torch.manual_seed(1)
    model = CharRNN(config).double()
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    ids = [8, 0, 3, 3, 7]
    logits, final = model(torch.tensor([ids]))
    state = cells.initial_state(config)
    for t, token in enumerate(ids):
        y, state = cells.step(config, weights, token, state)
        np.testing.assert_allclose(y, logits[0, t].detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(state, final[:, :, 0].permute(1, 0, 2).detach().numpy(), atol=1e-12)


def test_every_cell_has_its_equations() -> None:
    assert set(MODULES) == set(CELLS)
    assert all(callable(getattr(cells, cell)) for cell in CELLS)
