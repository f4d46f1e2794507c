"""Steering: cells of a network that are held at values while it generates, as the sentiment unit of Radford et al.
(Learning to Generate Reviews, 2017) was; says what this means, and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from charrnn.config import PARTS, ModelConfig, Part
from charrnn.parameters import Parameter, check

MOST_HELD: Final = 16
"""How many cells a sequence may hold."""

LARGEST: Final = 1000
"""The bound of a value: far beyond what an LSTM's c reaches, and small enough for every product in float32."""

LARGEST_HIDDEN: Final = 1
"""The bound of h, in all cells: it is a hyperbolic tangent, or a mean of such."""


@dataclass(frozen=True, slots=True)
class Held:
    """A unit of a layer, both counted from 0, whose hidden state h ("hidden") or cell state c ("cell", only of an LSTM)
    is held at `value`.

    It is held from that step on which reads the last id before the first generated one, so that all ids that are
    generated may depend on it; the ids before that one are read as ever. In each such step the layer first computes its
    new state as ever; then this part of it becomes `value`. So the layers above and the output read a held h in the
    same step, and the layer itself reads a held h or c in the next one: the h of the first step comes from the c that
    was computed. In an LSTM, holding one part leaves the other as it is computed.

    A state contains the values that were held. What continues from it and holds the same goes on as one sequence would
    have; what holds nothing begins with them and is free from then on. In int8, the h of an LSTM or RNN is rounded to a
    multiple of 1/127, as ever; that of a GRU is rounded where products read it.
    """

    layer: Annotated[int, Parameter("layer, counted from 0", ge=0, lt=1 << 31)]
    unit: Annotated[int, Parameter("unit of the layer, counted from 0", ge=0, lt=1 << 31)]
    part: Annotated[Part, Parameter("which of its states; `cell` is for an LSTM")]
    value: Annotated[
        float,
        Parameter(
            f"what it is held at; a hidden state from -{LARGEST_HIDDEN} to {LARGEST_HIDDEN}", ge=-LARGEST, le=LARGEST
        ),
    ]

    @property
    def cell(self) -> tuple[int, Part, int]:
        """Which cell this is: two with the same cannot both be held."""
        return self.layer, self.part, self.unit

    @property
    def index(self) -> tuple[int, int, int]:
        """The place of the value in a state [layers, state_parts, hidden_size]."""
        return self.layer, PARTS.index(self.part), self.unit


def check_held(held: Sequence[Held], config: ModelConfig) -> None:
    """Raises ValueError, naming the field, the bound and the value, for more than MOST_HELD, a cell that the network
    does not have, a value out of bounds, and two for the same cell."""
    if len(held) > MOST_HELD:
        raise ValueError(f"held must be at most {MOST_HELD} cells, not {len(held)}")
    for index, each in enumerate(held):
        check(each, f"held[{index}].")
        _check_exists(each, config, f"held[{index}]")
        if fault := value_fault(each.part, each.value):
            raise ValueError(f"held[{index}].value {fault}")
    if (twice := repeated(held)) is not None:
        raise ValueError(f"held[{twice}] must be another cell than those before it, not {held[twice].cell}")


def value_fault(part: Part, value: float) -> str | None:
    """What is wrong with the value for the part, if anything."""
    if part == "hidden" and abs(value) > LARGEST_HIDDEN:
        return f"must be from -{LARGEST_HIDDEN} to {LARGEST_HIDDEN} for a hidden state, not {value}"
    return None


def repeated(held: Sequence[Held]) -> int | None:
    """The index of the first one whose cell has come before."""
    cells = [each.cell for each in held]
    return next((index for index, cell in enumerate(cells) if cell in cells[:index]), None)


def _check_exists(held: Held, config: ModelConfig, field: str) -> None:
    for name, value, count in (("layer", held.layer, config.layers), ("unit", held.unit, config.hidden_size)):
        if value >= count:
            raise ValueError(f"{field}.{name} must be from 0 to {count - 1}, not {value}")
    if held.index[1] >= config.state_parts:
        raise ValueError(f"{field}.part must be hidden, not {held.part}: the network is of {config.cell} cells")
