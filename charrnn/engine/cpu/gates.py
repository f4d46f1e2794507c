"""The gates of each cell: from sums to new states, for sixteen units at once; knows no batch and no packing.

The equations are those of charrnn.cells, which names their sources.

Sums come in units of log2: the packing multiplies weights by -log2(e) for a sigmoid, so that sigma(a) = 1 / (1 + 2^t),
and by -2 log2(e) for a hyperbolic tangent, so that tanh(a) = (1 - 2^t) / (1 + 2^t). Fractions are brought to a common
denominator, because divisions are slow: a step of a gated cell has two. Absolute error of the state against exact
arithmetic in a step, for sums of usual size and cell states up to 2: below 1e-6 with powers of degree 5 (float32),
below 1e-5 with degree 4 (int8).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from charrnn.engine.cpu.lanes import Lanes, Value

SIGMOID: Final = -1 / math.log(2)
TANH: Final = -2 / math.log(2)
"""The factor of each function's pre-activation."""

LARGEST: Final = 29.0
"""Exponents are limited to this, so that the product of three denominators and a cell state stays finite. Powers below
2^-29 are lost when they are added to 1, whatever their value."""


@dataclass(frozen=True)
class Layout:
    """The memory layout of a cell's numbers, for a block of units.

    `columns`: the number of vectors of sums; `input`, `hidden`: the columns to which the layer's input and its hidden
    state contribute; `added`: vectors from the first layer's table or, in other layers, the bias; `biases`: further
    constants of the cell; `groups`: how many groups of sixteen units make a block; `factors`: those of the columns'
    functions; `has_gate_state`: whether the gates keep a float32 vector from step to step, beside the state that
    products read: an LSTM's cell state, or a GRU's hidden state before it is rounded to eight bits.
    """

    columns: int
    input: tuple[int, ...]
    hidden: tuple[int, ...]
    added: tuple[int, ...]
    biases: int
    groups: int
    factors: tuple[float, ...]
    has_gate_state: bool


LAYOUTS: Final = {
    "rnn": Layout(4, (0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3), 0, 4, (TANH,) * 4, False),
    "gru": Layout(4, (0, 1, 2), (0, 1, 3), (0, 1, 2), 1, 1, (SIGMOID, SIGMOID, TANH, TANH), True),
    "lstm": Layout(4, (0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3), 0, 1, (SIGMOID, SIGMOID, TANH, SIGMOID), True),
}
"""Columns: for rnn four groups of units, so that its micro-tiles have four columns too; for gru r, z, and n of the
input and of the hidden state separately, because r acts only on the latter; for lstm i, f, g, o."""

OUTPUT_COLUMNS: Final = 4
"""Vectors of sixteen ids in a full group of outputs; the last group may have half as many."""

ApplyGates = Callable[[Lanes, Sequence[Value], Sequence[Value], "Value | None"], tuple[list[Value], "Value | None"]]


def rnn(v: Lanes, t: Sequence[Value], biases: Sequence[Value], gate_state: Value | None) -> tuple[list[Value], None]:
    """h = tanh(t), for each of the groups."""
    del biases, gate_state
    return [_tanh(v, x) for x in t], None


def gru(v: Lanes, t: Sequence[Value], biases: Sequence[Value], gate_state: Value | None) -> tuple[list[Value], Value]:
    """torch's GRU: n = tanh(x_n + r (h_n + b)), h' = (1 - z) n + z h.

    With Z = 2^t_z and N = 2^t_n, z = 1 / (1 + Z) and n = (1 - N) / (1 + N), so that
    h' = (Z (1 - N) + h (1 + N)) / ((1 + Z) (1 + N)).
    """
    one = v.floats(1.0)
    r = v.divide(one, v.add(one, _power(v, t[0])))
    # Z is also a factor, not only added to 1, so even tiny values must be the same on every processor.
    z = _power(v, v.maximum(t[1], v.floats(-LARGEST)))
    n = _power(v, v.fma(r, v.add(t[3], biases[0]), t[2]))
    above = v.fma(z, v.subtract(one, n), v.multiply(gate_state, v.add(one, n)))
    h = v.divide(above, v.multiply(v.add(one, z), v.add(one, n)))
    return [h], h


def lstm(v: Lanes, t: Sequence[Value], biases: Sequence[Value], gate_state: Value | None) -> tuple[list[Value], Value]:
    """c' = f c + i g, h = o tanh(c') (Hochreiter, Schmidhuber 1997, with Gers' forget gate).

    With I, F, G, O = 2^t, i = 1 / (1 + I), f and o likewise, and g = (1 - G) / (1 + G), so that
    c' = ((1 - G) (1 + F) + c (1 + I) (1 + G)) / ((1 + I) (1 + G) (1 + F)); with P = 2^t of c',
    h = (1 - P) / ((1 + O) (1 + P)).
    """
    del biases
    one = v.floats(1.0)
    powers = [_power(v, x) for x in t]
    i, f, g, o = (v.add(one, power) for power in powers)  # the denominators, 1 + 2^t
    ig = v.multiply(i, g)
    above = v.fma(v.subtract(one, powers[2]), f, v.multiply(gate_state, ig))
    c = v.divide(above, v.multiply(ig, f))
    p = _power(v, v.multiply(c, v.floats(TANH)))
    return [v.divide(v.subtract(one, p), v.multiply(o, v.add(one, p)))], c


APPLY_GATES: Final[dict[str, ApplyGates]] = {"rnn": rnn, "gru": gru, "lstm": lstm}


def _power(v: Lanes, t: Value) -> Value:
    return v.exp2_at_most(t, LARGEST)


def _tanh(v: Lanes, t: Value) -> Value:
    p = _power(v, t)
    return v.divide(v.subtract(v.floats(1.0), p), v.add(v.floats(1.0), p))
