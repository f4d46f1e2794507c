"""An output layer that shares the embedding's vectors: the same logits as the checkpoint's output layer."""

from copy import deepcopy

import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.model import CharRNN
from charrnn.vocabulary import Vocabulary

CONFIG = ModelConfig(9, "lstm", hidden_size=7, embedding_size=5)
IDS = torch.tensor([[1, 8, 3, 3, 0]])


def test_a_checkpoint_has_the_output_layer_multiplied_out() -> None:
    tied, plain = CharRNN(CONFIG, tied=True), CharRNN(CONFIG)
    with torch.no_grad():
        tied.output.bias.normal_()
    weights = {name: weight for name, weight in tied.weights().items() if name in CONFIG.shapes()}
    plain.load_weights(Checkpoint(CONFIG, Vocabulary("abcdefghi"), weights).weights)
    torch.testing.assert_close(plain(IDS)[0], tied(IDS)[0])


def test_all_weights_are_stored_and_loaded() -> None:
    first, second = CharRNN(CONFIG, tied=True), CharRNN(CONFIG, tied=True)
    second.load_weights(first.weights())
    assert torch.equal(first(IDS)[0], second(IDS)[0])


def test_a_copy_has_vectors_of_its_own() -> None:
    model = CharRNN(CONFIG, tied=True)
    copy, before = deepcopy(model), model(IDS)[0]
    with torch.no_grad():
        copy.embedding.weight.zero_()
    assert torch.equal(model(IDS)[0], before)


def test_both_uses_of_a_vector_teach_it() -> None:
    model = CharRNN(CONFIG, tied=True)
    model(IDS[:, :1])[0][0, 0, 4].backward()
    gradient = model.embedding.weight.grad
    assert gradient is not None
    assert gradient[[1, 4]].abs().sum(1).min() > 0  # what is read, and what is predicted
    assert gradient[[0, 2, 3, 5, 6, 7, 8]].abs().max() == 0
