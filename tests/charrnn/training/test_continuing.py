"""The first weights of a network that goes on from another: what is kept, what is new."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.model import CharRNN
from charrnn.tasks.arrangement import Arrangement
from charrnn.training.continuing import continued, cut
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from tests.networks import random_network


def filled(config: ModelConfig, value: float) -> dict[str, np.ndarray]:
    return {name: np.full(shape, value, np.float32) for name, shape in config.shapes().items()}


@pytest.mark.parametrize("embedding_size", [0, 2])
def test_weights_of_known_tokens_are_kept_and_of_new_ones_fresh(embedding_size: int) -> None:
    config, larger = (ModelConfig(size, "rnn", 5, 2, embedding_size) for size in (3, 4))
    base = Checkpoint(config, Vocabulary("ace"), filled(config, 1))
    weights = continued(base, Vocabulary("abce"), filled(larger, 0))
    assert {name: weight.shape for name, weight in weights.items()} == larger.shapes()
    by_token = {name: weights[name].reshape(4, -1) for name in ("output.weight", "output.bias")}
    by_token["input"] = weights["embedding.weight"] if embedding_size else weights["rnn.weight_ih_l0"].T
    for found in by_token.values():
        assert (found == np.array([[1], [0], [1], [1]])).all()
    kept = [name for name in weights if name.startswith("rnn.") and (embedding_size or name != "rnn.weight_ih_l0")]
    assert all((weights[name] == 1).all() for name in kept)


def logits(network: Checkpoint, text: str) -> np.ndarray:
    model = CharRNN(network.config)
    model.load_weights(network.weights)
    with torch.no_grad():
        found, _ = model(torch.from_numpy(network.vocabulary.encode(text).astype(np.int64))[None])
    return np.asarray(found[0])


@pytest.mark.parametrize("embedding_size", [0, 2])
def test_a_base_that_is_cut_is_the_same_network_with_fewer_characters(embedding_size: int) -> None:
    config = ModelConfig(4, "gru", 5, 1, embedding_size)
    base = Checkpoint(config, Vocabulary("abcd"), CharRNN(config).weights())
    less = cut(base, Vocabulary("Xbd"))
    assert less.vocabulary == Vocabulary("bd")
    assert logits(less, "bdd") == pytest.approx(logits(base, "bdd")[:, [1, 3]], abs=1e-6)
    weights = continued(less, Vocabulary("Xbd"), filled(ModelConfig(3, "gru", 5, 1, embedding_size), 0))
    assert (weights["output.weight"] == [np.zeros(5), *base.weights["output.weight"][[1, 3]]]).all()


def test_a_base_without_any_character_of_a_text_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        cut(random_network(Vocabulary("abcd"), "gru", 5), Vocabulary("XYZ"))


def test_the_unknown_token_moves_to_its_new_place_and_can_be_expected_again() -> None:
    config, larger = ModelConfig(3, "rnn", 5, 1, 2), ModelConfig(4, "rnn", 5, 1, 2)
    base = Checkpoint(config, WordVocabulary(("b", " ")), filled(config, 1))
    weights = continued(base, WordVocabulary(("b", " ", "a")), filled(larger, 0))
    assert weights["output.weight"][:, 0].tolist() == [1, 1, 0, 1]
    assert weights["output.bias"].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "arrangement",
    [
        Arrangement("generate", "line", "\n"),
        Arrangement("generate", "line", "\n", ("x", "y")),
        Arrangement("classify", "line", "\n", ("x", "y")),
        Arrangement("tag", "line", "\n", ("x", "y", "z"), 2),
        Arrangement("transduce", "line", "\n"),
    ],
    ids=["generate", "labels", "two labels", "tag", "transduce"],
)
@pytest.mark.parametrize("level", ["char", "word"])
def test_marks_and_labels_keep_their_weights_when_there_are_new_tokens(arrangement: Arrangement, level: str) -> None:
    known, more = (
        (Vocabulary("ac"), Vocabulary("abc")) if level == "char" else map(WordVocabulary, (("a", "c"), ("a", "c", "b")))
    )
    base, vocabulary = random_network(known, "gru", 5, arrangement=arrangement), arrangement.vocabulary(more)
    config = replace(base.config, vocabulary_size=len(vocabulary), output_size=arrangement.output_size(vocabulary))
    fresh = CharRNN(config, predicts_next=True).weights()
    weights = continued(base, vocabulary, fresh)
    assert {name: weight.shape for name, weight in weights.items()} == {name: w.shape for name, w in fresh.items()}
    assert (weights["next_token.weight"] == fresh["next_token.weight"]).all()
    marks = len(vocabulary) - len(more)
    assert (weights["rnn.weight_ih_l0"][:, -marks:] == base.weights["rnn.weight_ih_l0"][:, -marks:]).all()
    new_id = int(more.encode("b")[0])
    assert (weights["rnn.weight_ih_l0"][:, new_id] == fresh["rnn.weight_ih_l0"][:, new_id]).all()
    if arrangement.writes_labels:
        assert all((weights[name] == base.weights[name]).all() for name in ("output.weight", "output.bias"))
    else:
        assert (weights["output.weight"][-1] == base.weights["output.weight"][-1]).all()
        assert (weights["output.weight"][new_id] == fresh["output.weight"][new_id]).all()
