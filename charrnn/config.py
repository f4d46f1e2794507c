"""What a network is made of: its cell, its sizes, and the shape of every weight; knows neither torch nor files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from charrnn.parameters import Parameter, check

Cell = Literal["rnn", "gru", "lstm"]
Part = Literal["hidden", "cell"]

CELLS: Final[tuple[Cell, ...]] = get_args(Cell)
GATES: Final[dict[Cell, int]] = {"rnn": 1, "gru": 3, "lstm": 4}
"""How many gate vectors of the hidden size each cell computes in one step."""

PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""The parts of a layer's state, in order: h, which is passed on to the next layer, and c, which only the LSTM itself
uses."""

MAX_VOCABULARY_SIZE: Final = 100_000
MAX_WIDTH: Final = 4096


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The architecture of a network.

    `embedding_size` 0 means one-hot input, as in the article: the first layer's `weight_ih` then has one column for
    each token. Raises ValueError, naming the field, the bound and the value, when a size is out of bounds.
    """

    vocabulary_size: Annotated[int, Parameter("number of distinct tokens", ge=1, le=MAX_VOCABULARY_SIZE)]
    cell: Annotated[Cell, Parameter("type of recurrent cell")] = "lstm"
    hidden_size: Annotated[int, Parameter("units per layer", ge=1, le=MAX_WIDTH)] = 256
    layers: Annotated[int, Parameter("number of stacked recurrent layers", ge=1, le=16)] = 1
    embedding_size: Annotated[int, Parameter("size of the token embedding; 0: one-hot input", ge=0, le=MAX_WIDTH)] = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def input_size(self) -> int:
        """Width of the first layer's input: the embedding, or the vocabulary when the input is one-hot."""
        return self.embedding_size or self.vocabulary_size

    @property
    def state_parts(self) -> int:
        """How many of PARTS a layer carries from step to step: h, and for an LSTM c as well."""
        return 2 if self.cell == "lstm" else 1

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """Shape of one sequence's hidden state: [layers, state_parts, hidden_size]."""
        return (self.layers, self.state_parts, self.hidden_size)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight, named and laid out as in torch's RNN, GRU and LSTM modules."""
        rows = GATES[self.cell] * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        if self.embedding_size:
            shapes["embedding.weight"] = (self.vocabulary_size, self.embedding_size)
        for layer in range(self.layers):
            width = self.input_size if layer == 0 else self.hidden_size
            shapes[f"rnn.weight_ih_l{layer}"] = (rows, width)
            shapes[f"rnn.weight_hh_l{layer}"] = (rows, self.hidden_size)
            shapes[f"rnn.bias_ih_l{layer}"] = (rows,)
            shapes[f"rnn.bias_hh_l{layer}"] = (rows,)
        shapes["output.weight"] = (self.vocabulary_size, self.hidden_size)
        shapes["output.bias"] = (self.vocabulary_size,)
        return shapes
