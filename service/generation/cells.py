"""Which cells of a network a request means, and whether there are such; knows no texts and no numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from charrnn.config import PARTS, ModelConfig, Part


class CellSelectionError(ValueError):
    """Cells that cannot be had; the message names the field, the bound and the value, `param` the request's field."""

    def __init__(self, field: str, message: str) -> None:
        self.param = re.split(r"[.\[]", field)[0]
        super().__init__(f"{field} {message}")


class UnknownCellError(CellSelectionError):
    """There is no such cell."""


@dataclass(frozen=True, slots=True)
class CellSelection:
    """Cells as they are asked for: without `unit` all units of the layer. Both count from 0."""

    layer: int
    unit: int | None = None
    part: Part = "hidden"


@dataclass(frozen=True, slots=True)
class CellId:
    """One cell of a network."""

    layer: int
    unit: int
    part: Part


def select(config: ModelConfig, wanted: Sequence[CellSelection], field: str = "cells") -> list[CellId]:
    """The cells that are meant, in the order in which they were asked for; `field` is how the request calls them.

    Raises UnknownCellError.
    """
    return [cell for index, each in enumerate(wanted) for cell in _cells(config, each, f"{field}[{index}]")]


def indices(cells: Iterable[CellId]) -> tuple[list[int], list[int], list[int]]:
    """Where the cells' numbers stand in a state [layers, state_parts, hidden_size]: layers, parts, units."""
    places = [(cell.layer, PARTS.index(cell.part), cell.unit) for cell in cells]
    layers, parts, units = (list(column) for column in zip(*places, strict=True)) if places else ([], [], [])
    return layers, parts, units


def _cells(config: ModelConfig, wanted: CellSelection, field: str) -> Iterator[CellId]:
    _check_below(wanted.layer, config.layers, f"{field}.layer")
    if wanted.part == "cell" and config.state_parts == 1:
        raise UnknownCellError(f"{field}.part", f"must be hidden, not cell: the network is of {config.cell} cells")
    if wanted.unit is not None:
        _check_below(wanted.unit, config.hidden_size, f"{field}.unit")
        yield CellId(wanted.layer, wanted.unit, wanted.part)
    else:
        yield from (CellId(wanted.layer, unit, wanted.part) for unit in range(config.hidden_size))


def _check_below(value: int, count: int, field: str) -> None:
    if not 0 <= value < count:
        raise UnknownCellError(field, f"must be from 0 to {count - 1}, not {value}")
