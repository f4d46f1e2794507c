"""Line charts as SVG, without a library; knows nothing of what is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape  # nosec B406 # it parses nothing

WIDTH: Final = 760
PLOT_HEIGHT: Final = 190
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 56, 44
HEAD: Final = 44
TICKS: Final = 5
LEGEND_COLUMN: Final = 150

_STYLE: Final = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#374151}"
    ".title{font-size:16px;font-weight:600;fill:#111827}.name{font-size:13px;font-weight:600;fill:#111827}"
    ".grid{stroke:#e5e7eb;stroke-width:1}.frame{stroke:#9ca3af;stroke-width:1}"
    ".line{fill:none;stroke-width:1.8;stroke-linejoin:round}.paper{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#c9c6c0}.title,.name{fill:#e9e6e1}.grid{stroke:#383735}"
    ".frame{stroke:#7d7a74}.paper{fill:#1f1f1e}.line,circle{filter:brightness(1.35)}}"
)

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis; with `floor` it begins there instead of at the least value; with `log` it is logarithmic, and every
    value must be positive."""

    label: str = ""
    log: bool = False
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y) joined in order; `marked` puts a dot on each."""

    label: str
    colour: str
    points: Points
    marked: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: its lines over common axes."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Box:
    """A panel's position in pixels: its plot from `left` to `right` and down from `top`, its title at `y`."""

    left: int
    right: int
    y: int
    top: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels: `low` to `start`, `high` to `end`."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (self._flat(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Round values within the scale, with their labels."""
        if self.axis.log:
            stride = max(1, math.ceil((self.high - self.low) / TICKS))
            exponents = range(math.ceil(self.low), math.floor(self.high) + 1, stride)
            return [(10.0**n, f"1e{n}" if not -3 < n < 4 else f"{10.0**n:g}") for n in exponents]
        step = _round_step((self.high - self.low) / TICKS)
        count = math.floor(self.high / step + 1e-9) - math.ceil(self.low / step - 1e-9) + 1
        values = [(math.ceil(self.low / step - 1e-9) + i) * step for i in range(count)]
        return [(value, _shown(value)) for value in values]

    def _flat(self, value: float) -> float:
        return math.log10(value) if self.axis.log else value


def document(title: str, rows: Sequence[Panel | tuple[Panel, ...]], width: int = WIDTH) -> str:
    """An SVG document with these rows; panels in one row share their scales."""
    parts = [f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>']
    y = HEAD
    for row in rows:
        drawn, height = _row(row if isinstance(row, tuple) else (row,), y, width)
        parts += drawn
        y += height
    size = f'width="{width}" height="{y}" viewBox="0 0 {width} {y}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">'
    )
    return "\n".join(
        [head, f"<style>{_STYLE}</style>", '<rect class="paper" width="100%" height="100%"/>', *parts, "</svg>\n"]
    )


def _row(panels: tuple[Panel, ...], y: int, width: int) -> tuple[list[str], int]:
    """The row's elements and its height."""
    column = width // len(panels)
    lines = [[line for line in panel.lines if line.points] for panel in panels]
    points = [point for drawn in lines for line in drawn for point in line.points]
    legends = _per_row(column)
    top = y + TOP - 18 + 18 * max(1, *(math.ceil(len(drawn) / legends) for drawn in lines))
    parts = []
    for index, (panel, drawn) in enumerate(zip(panels, lines, strict=True)):
        box = _Box(index * column + LEFT, (index + 1) * column - RIGHT, y, top)
        parts += _panel(panel, drawn, points, box) if drawn else _empty(panel, box)
    return parts, top + PLOT_HEIGHT + BOTTOM - y if points else TOP


def _per_row(column: int) -> int:
    """How many legend entries fit beside each other."""
    return max(1, (column - LEFT - RIGHT) // LEGEND_COLUMN)


def _panel(panel: Panel, drawn: Sequence[Line], points: Sequence[tuple[float, float]], box: _Box) -> list[str]:
    """The panel's elements, on scales that hold the points."""
    bottom = box.top + PLOT_HEIGHT
    x_scale = _scale(panel.x, [x for x, _ in points], box.left, box.right)
    y_scale = _scale(panel.y, [value for _, value in points], bottom, box.top)
    middle = (box.left + box.right) / 2
    return [
        _name(panel, box),
        *_legend(drawn, box),
        *_grid(x_scale, y_scale),
        *(element for line in drawn for element in _line(line, x_scale, y_scale)),
        f'<text x="{middle:g}" y="{bottom + 34}" text-anchor="middle">{escape(panel.x.label)}</text>',
    ]


def _empty(panel: Panel, box: _Box) -> list[str]:
    return [_name(panel, box), f'<text x="{box.left}" y="{box.y + 40}">nothing is measured yet</text>']


def _name(panel: Panel, box: _Box) -> str:
    return f'<text class="name" x="{box.left}" y="{box.y + 16}">{escape(panel.title)}</text>'


def _legend(lines: Sequence[Line], box: _Box) -> list[str]:
    parts, columns = [], _per_row(box.right - box.left + LEFT + RIGHT)
    for index, line in enumerate(lines):
        x, row = box.left + LEGEND_COLUMN * (index % columns), box.y + 36 + 18 * (index // columns)
        parts.append(f'<path class="line" stroke="{line.colour}"{_dashes(line)} d="M{x} {row - 4}h22"/>')
        parts.append(f'<text x="{x + 28}" y="{row}">{escape(line.label)}</text>')
    return parts


def _grid(x: _Scale, y: _Scale) -> list[str]:
    parts = []
    for value, shown in y.ticks():
        at = y.at(value)
        parts.append(f'<path class="grid" d="M{x.start:g} {at:.1f}H{x.end:g}"/>')
        parts.append(f'<text x="{x.start - 8:g}" y="{at + 4:.1f}" text-anchor="end">{shown}</text>')
    for value, shown in x.ticks():
        at = x.at(value)
        parts.append(f'<path class="frame" d="M{at:.1f} {y.start:g}v4"/>')
        parts.append(f'<text x="{at:.1f}" y="{y.start + 18:g}" text-anchor="middle">{shown}</text>')
    return [*parts, f'<path class="frame" d="M{x.start:g} {y.start:g}H{x.end:g}"/>']


def _line(line: Line, x: _Scale, y: _Scale) -> list[str]:
    positions = [(x.at(a), y.at(b)) for a, b in line.points]
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in positions)
    parts = [f'<path class="line" stroke="{line.colour}"{_dashes(line)} d="M{path}"/>']
    if line.marked or len(positions) == 1:
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6" fill="{line.colour}"/>' for a, b in positions]
    return parts


def _dashes(line: Line) -> str:
    return ' stroke-dasharray="5 4" opacity="0.6"' if line.dashed else ""


def _scale(axis: Axis, values: Sequence[float], start: float, end: float) -> _Scale:
    """A scale that contains all values, with a margin; a single value gets a margin on both sides."""
    flat = [math.log10(value) for value in values] if axis.log else list(values)
    low, high = min(flat), max(flat)
    if axis.floor is not None:
        low = min(axis.floor, low)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5 * (axis.floor is None), high + 0.5
    margin = 0.04 * (high - low)
    return _Scale(
        axis, low if axis.floor is not None else low - margin, high + (margin if not axis.label else 0), start, end
    )


def _round_step(step: float) -> float:
    """The step, rounded up to 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))


def _shown(value: float) -> str:
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{letter}"
    return f"{0.0 if abs(value) < 1e-15 else value:.6g}"
