"""Which hidden units of a network a request selects, and whether they exist. The HTTP API calls them cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from charrnn.config import PARTS, ModelConfig, Part


class UnitSelectionError(ValueError):
    """A selection is invalid; the message names the field, the bound and the value, `param` the request's field."""

    def __init__(self, field: str, message: str) -> None:
        self.param = re.split(r"[.\[]", field)[0]
        super().__init__(f"{field} {message}")


class UnknownUnitError(UnitSelectionError):
    """There is no such unit."""


@dataclass(frozen=True, slots=True)
class UnitSelection:
    """Units as selected in a request: without `unit` all units of the layer. Both count from 0."""

    layer: int
    unit: int | None = None
    part: Part = "hidden"


@dataclass(frozen=True, slots=True)
class UnitId:
    """One unit of a network; `part` is its hidden state or, for an LSTM, its cell state."""

    layer: int
    unit: int
    part: Part


def select(config: ModelConfig, wanted: Sequence[UnitSelection], field: str = "cells") -> list[UnitId]:
    """The units of a selection, in the requested order; `field` is the request's name for it.

    Raises UnknownUnitError.
    """
    return [unit for index, each in enumerate(wanted) for unit in _units(config, each, f"{field}[{index}]")]


def indices(units: Iterable[UnitId]) -> tuple[list[int], list[int], list[int]]:
    """Indices of the units into a state [layers, state_parts, hidden_size], one list for each dimension."""
    found = [(each.layer, PARTS.index(each.part), each.unit) for each in units]
    first, second, third = (list(column) for column in zip(*found, strict=True)) if found else ([], [], [])
    return first, second, third


def _units(config: ModelConfig, wanted: UnitSelection, field: str) -> Iterator[UnitId]:
    _check_below(wanted.layer, config.layers, f"{field}.layer")
    if wanted.part == "cell" and config.state_parts == 1:
        raise UnknownUnitError(f"{field}.part", f"must be hidden, not cell: the network is of {config.cell} cells")
    if wanted.unit is not None:
        _check_below(wanted.unit, config.hidden_size, f"{field}.unit")
        yield UnitId(wanted.layer, wanted.unit, wanted.part)
    else:
        yield from (UnitId(wanted.layer, unit, wanted.part) for unit in range(config.hidden_size))


def _check_below(value: int, count: int, field: str) -> None:
    if not 0 <= value < count:
        raise UnknownUnitError(field, f"must be from 0 to {count - 1}, not {value}")
