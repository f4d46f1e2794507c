"""The module that is trained: its names and shapes, its state, and the article's example."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.model import CharRNN, Masks
from charrnn.training.optimizer import AdamW
from charrnn.vocabulary import Vocabulary

HELLO = Vocabulary("ehlo")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("layers", "embedding_size"), [(1, 0), (3, 5)])
def test_names_and_shapes_are_the_configurations(cell: Cell, layers: int, embedding_size: int) -> None:
    config = ModelConfig(11, cell, hidden_size=6, layers=layers, embedding_size=embedding_size)
    model = CharRNN(config)
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == config.shapes()
    assert list(model.weights()) == list(config.shapes())


@pytest.mark.parametrize("cell", CELLS)
def test_weights_go_into_a_checkpoint_and_back(cell: Cell) -> None:
    config = ModelConfig(4, cell, hidden_size=6, embedding_size=3)
    first, second = CharRNN(config), CharRNN(config)
    checkpoint = Checkpoint(config, HELLO, first.weights())
    second.load_weights(checkpoint.weights)
    ids = torch.tensor([[0, 1, 2, 3]])
    assert torch.equal(first(ids)[0], second(ids)[0])


def test_weights_are_a_copy() -> None:
    model = CharRNN(ModelConfig(4, hidden_size=6))
    before = model.weights()["output.bias"]
    with torch.no_grad():
        model.output.bias.add_(1)
    np.testing.assert_array_equal(model.weights()["output.bias"], before + 1)


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_carried_on_gives_what_reading_in_one_go_gives(cell: Cell) -> None:
    model = CharRNN(ModelConfig(9, cell, hidden_size=6, layers=2, embedding_size=4)).double()
    ids = torch.randint(0, 9, (3, 10))
    whole, _ = model(ids)
    first, state = model(ids[:, :4])
    second, state = model(ids[:, 4:], state)
    assert state.shape == (2 if cell == "lstm" else 1, 2, 3, 6)
    torch.testing.assert_close(torch.cat((first, second), 1), whole)


@pytest.mark.parametrize("cell", CELLS)
def test_dropout_leaves_out_what_the_masks_say_at_every_step(cell: Cell) -> None:
    torch.manual_seed(0)
    model = CharRNN(ModelConfig(9, cell, hidden_size=200, layers=2, embedding_size=100), dropout=0.5)
    ids = torch.randint(0, 9, (3, 5))
    masks = model.masks(3)
    assert masks is not None
    assert not torch.allclose(model(ids, None, masks)[0], model(ids)[0])
    torch.testing.assert_close(model(ids[1:], None, masks.of(slice(1, 3)))[0], model(ids, None, masks)[0][1:])
    before = model(ids, None, masks)[0].detach()
    weights = model.state_dict()
    weights["rnn.weight_ih_l0"][:, masks.embedding[0, 0] == 0] = 9.0  # which the first of the three does not see
    weights["rnn.weight_ih_l1"][:, masks.layers[0][0, 0] == 0] = 9.0
    weights["output.weight"][:, masks.layers[1][0, 0] == 0] = 9.0
    after = model(ids, None, masks)[0].detach()
    torch.testing.assert_close(after[0], before[0])
    assert not torch.allclose(after[1], before[1])


@pytest.mark.parametrize("cell", CELLS)
def test_masks_that_leave_out_nothing_change_nothing(cell: Cell) -> None:
    config = ModelConfig(9, cell, hidden_size=6, layers=3, embedding_size=4)
    model = deepcopy(CharRNN(config)).double()  # as those are that averages are kept in
    model.load_weights(CharRNN(config).weights())
    ids = torch.randint(0, 9, (2, 7))
    ones = Masks(torch.ones(2, 1, 4), (torch.ones(2, 1, 6),) * 3)
    _, state = model(ids)
    for given, plain in zip(model(ids, state, ones), model(ids, state), strict=True):
        torch.testing.assert_close(given, plain)


def test_masks_leave_out_their_share_and_make_up_for_it() -> None:
    masks = CharRNN(ModelConfig(9, hidden_size=500, layers=2, embedding_size=400), dropout=0.4).masks(50)
    assert masks is not None
    below, above = masks.layers
    assert not torch.equal(below, above)
    for mask, share, shape in (
        (masks.embedding, 0.2, (50, 1, 400)),
        (below, 0.4, (50, 1, 500)),
        (above, 0.4, (50, 1, 500)),
    ):
        assert mask.shape == shape
        assert float((mask == 0).float().mean()) == pytest.approx(share, abs=0.02)
        assert float(mask.mean()) == pytest.approx(1, abs=0.02)
    assert CharRNN(ModelConfig(9)).masks(2) is None


def test_dropout_must_leave_something() -> None:
    with pytest.raises(ValueError, match=r"dropout must be from 0 to less than 1, not 1\.0"):
        CharRNN(ModelConfig(9), dropout=1.0)


@pytest.mark.parametrize("cell", CELLS)
def test_the_articles_example(cell: Cell) -> None:
    """Trained on "hello", fed "hell" it answers "ello"; fed 'h' and then its own answers, it spells "hello"."""
    torch.manual_seed(0)
    model = CharRNN(ModelConfig(len(HELLO), cell, hidden_size=8))  # one-hot input
    optimizer = AdamW(model, weight_decay=0.0)
    ids = torch.tensor(HELLO.encode("hello")).long()[None]
    for _ in range(80):
        model.zero_grad()
        logits, _ = model(ids[:, :-1])
        torch.nn.functional.cross_entropy(logits[0], ids[0, 1:]).backward()  # type: ignore[no-untyped-call]
        optimizer.step(0.05)
    assert HELLO.decode(model(ids[:, :-1])[0][0].argmax(1).tolist()) == "ello"
    spelled, state = [int(ids[0, 0])], None
    for _ in range(4):
        logits, state = model(torch.tensor([[spelled[-1]]]), state)
        spelled.append(int(logits[0, 0].argmax()))
    assert HELLO.decode(spelled) == "hello"
