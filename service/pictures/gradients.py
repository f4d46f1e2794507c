"""Charts of how far back networks learn: gradient norms by steps back; knows no versions and no training records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from service.pictures.charts import Axis, Line, Panel, document

COLOURS: Final = ("#2563a8", "#d1495b", "#2e8b57", "#8a5cb8", "#b8860b", "#4a8fa8", "#a0522d", "#6b7280")
LEAST: Final = 1e-12
"""Smaller values are not drawn: zero has no logarithm, and others are not meaningful in float32."""

WIDTH: Final = 960
LONGEST: Final = 18
"""The maximum length in characters of a version's name in a legend."""

TITLE: Final = "Gradient of a character's loss at the state k steps before it"
STEPS_BACK: Final = Axis("steps back", floor=0.0)
NORM: Final = Axis(log=True)

Norms = Sequence[Sequence[float]]
"""[layers, k + 1]"""


def panel(measured: Sequence[tuple[str, Norms]], title: str = TITLE, top: int = 0, layer_colours: int = 1) -> Panel:
    """One network's layers, counted from 0: the first measurement dashed, the last one solid. `top` is the index of the
    top layer's colour, and each layer below is `layer_colours` further on."""
    lines: list[Line] = []
    for when, norms in measured:
        dashed = len(measured) > 1 and not lines
        for number, layer in enumerate(norms):
            colour = top + (len(norms) - 1 - number) * layer_colours
            lines.append(_line(f"layer {number}, {when}", colour, layer, dashed=dashed))
    return Panel(title, STEPS_BACK, NORM, tuple(lines))


def side_by_side(title: str, networks: Mapping[str, Sequence[tuple[str, Norms]]]) -> str:
    """An SVG document: the networks beside each other on a common scale; below them, if there are several, a chart of
    the last measurements of their top layers."""
    named = [(_short(name), measured) for name, measured in networks.items()]
    top = [_line(name, index, measured[-1][1][-1]) for index, (name, measured) in enumerate(named)]
    beside = tuple(panel(measured, name, n, len(named)) for n, (name, measured) in enumerate(named))
    together = [Panel(TITLE, STEPS_BACK, NORM, tuple(top))] if len(top) > 1 else []
    return document(title, [beside, *together], WIDTH)


def _short(name: str) -> str:
    """The end of a version's reference, which contains its number."""
    return name if len(name) <= LONGEST else f"\N{HORIZONTAL ELLIPSIS}{name[1 - LONGEST :]}"


def _line(label: str, number: int, norms: Sequence[float], *, dashed: bool = False) -> Line:
    points = tuple((float(k), norm) for k, norm in enumerate(norms) if norm > LEAST)
    return Line(label, COLOURS[number % len(COLOURS)], points, dashed=dashed)
