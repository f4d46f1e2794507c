"""What a network is made of: its cell, its sizes, and the shape of every weight; knows neither torch nor files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal, get_args

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

    output_size: int = 0
    """Rows of the output layer; 0: as many as the vocabulary. The task decides. 1 is a single unit, the difference
    between the logits of two labels."""

    def __post_init__(self) -> None:
        check(self)
        if not 0 <= self.output_size <= MAX_VOCABULARY_SIZE:
            raise ValueError(f"output_size must be from 0 to {MAX_VOCABULARY_SIZE}, not {self.output_size!r}")

    @property
    def outputs(self) -> int:
        """How many logits there are at every step; a single unit is one of two, the other is always 0."""
        return 2 if self.output_size == 1 else self._rows

    @property
    def _rows(self) -> int:
        return self.output_size or self.vocabulary_size

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without `output_size` if it is that of the vocabulary, as before there were tasks."""
        values = asdict(self)
        if not self.output_size:
            del values["output_size"]
        return values

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
        shapes["output.weight"] = (self._rows, self.hidden_size)
        shapes["output.bias"] = (self._rows,)
        return shapes
