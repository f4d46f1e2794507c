from __future__ import annotations

from typing import Any

import pytest

from charrnn.config import ModelConfig


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"vocabulary_size": 0}, "vocabulary_size must be an integer from 1 to 100000, not 0"),
        ({"hidden_size": 4097}, "hidden_size must be an integer from 1 to 4096, not 4097"),
        ({"hidden_size": 8.0}, "hidden_size must be an integer from 1 to 4096, not 8.0"),
        ({"layers": 0}, "layers must be an integer from 1 to 16, not 0"),
        ({"embedding_size": -1}, "embedding_size must be an integer from 0 to 4096, not -1"),
        ({"cell": "transformer"}, "cell must be one of rnn, gru, lstm, not 'transformer'"),
    ],
)
def test_a_size_out_of_bounds_is_named(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModelConfig(**{"vocabulary_size": 5, **fields})


def test_shapes_of_an_embedded_lstm_of_two_layers() -> None:
    config = ModelConfig(7, "lstm", hidden_size=3, layers=2, embedding_size=5)
    assert config.state_shape == (2, 2, 3)
    assert config.shapes() == {
        "embedding.weight": (7, 5),
        "rnn.weight_ih_l0": (12, 5),
        "rnn.weight_hh_l0": (12, 3),
        "rnn.bias_ih_l0": (12,),
        "rnn.bias_hh_l0": (12,),
        "rnn.weight_ih_l1": (12, 3),
        "rnn.weight_hh_l1": (12, 3),
        "rnn.bias_ih_l1": (12,),
        "rnn.bias_hh_l1": (12,),
        "output.weight": (7, 3),
        "output.bias": (7,),
    }


@pytest.mark.parametrize(("cell", "rows", "parts"), [("rnn", 3, 1), ("gru", 9, 1), ("lstm", 12, 2)])
def test_one_hot_input_has_a_column_a_token(cell: Any, rows: int, parts: int) -> None:
    config = ModelConfig(7, cell, hidden_size=3)
    assert config.shapes()["rnn.weight_ih_l0"] == (rows, 7)
    assert config.state_parts == parts
