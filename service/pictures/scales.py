"""Maps numbers to colours on which black text is readable; knows nothing of what is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Colour = tuple[int, int, int]
"""Red, green, blue, from 0 to 255."""

RED: Final = (232, 84, 72)
WHITE: Final = (255, 255, 255)
BLUE: Final = (74, 134, 232)
ORANGE: Final = (240, 134, 24)

MOST_BITS: Final = 10.0
"""The surprisal with the full colour: a probability of one in a thousand. Always the same, so that pictures can be
compared."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Colours for values from `low` to `high`, interpolated between the `stops`; values beyond are clamped. `label`
    says what the values are."""

    label: str
    low: float
    high: float
    stops: tuple[Colour, ...]

    def colour(self, value: float | None) -> Colour | None:
        """The value's colour; None for None and NaN."""
        if value is None or math.isnan(value):
            return None
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * (len(self.stops) - 1)
        index = min(int(share), len(self.stops) - 2)
        one, other, part = self.stops[index], self.stops[index + 1], share - index
        red, green, blue = (round(a + part * (b - a)) for a, b in zip(one, other, strict=True))
        return red, green, blue

    def ticks(self) -> list[tuple[float, str]]:
        """The values shown in a legend, with their labels."""
        values = dict.fromkeys((self.low, (self.low + self.high) / 2, self.high))
        sign = "+" if self.low < 0 else ""
        return [(value, f"{value:{sign}.3g}" if value else "0") for value in values]


def signed(label: str, values: Iterable[float] = ()) -> Scale:
    """Red for negative, white for 0, blue for positive values: from -1 to 1, the range of a hidden state, or wider if
    the values, such as an LSTM's cell state, exceed it."""
    limit = max(1.0, *map(abs, values), 1.0)
    return Scale(label, -limit, limit, (RED, WHITE, BLUE))


def surprisal() -> Scale:
    """White for expected tokens, orange for surprising ones."""
    return Scale("surprisal in bits", 0.0, MOST_BITS, (WHITE, ORANGE))
