from __future__ import annotations

import pytest

from charrnn.config import ModelConfig
from service.generation.units.selection import UnitId, UnitSelection, UnknownUnitError, indices, select

LSTM = ModelConfig(20, "lstm", hidden_size=3, layers=2)


def test_one_cell_and_a_whole_layer() -> None:
    cells = select(LSTM, [UnitSelection(1, 2, "cell"), UnitSelection(0)])
    assert cells == [UnitId(1, 2, "cell"), *(UnitId(0, unit, "hidden") for unit in range(3))]
    assert indices(cells) == ([1, 0, 0, 0], [1, 0, 0, 0], [2, 0, 1, 2])
    assert (select(LSTM, []), indices([])) == ([], ([], [], []))


@pytest.mark.parametrize(
    ("cell", "selection", "field", "message"),
    [
        ("lstm", UnitSelection(2, 0), "cells[1].layer", "must be from 0 to 1, not 2"),
        ("lstm", UnitSelection(-1), "cells[1].layer", "must be from 0 to 1, not -1"),
        ("gru", UnitSelection(0, 3), "cells[1].unit", "must be from 0 to 2, not 3"),
        ("rnn", UnitSelection(0, 0, "cell"), "cells[1].part", "must be hidden, not cell: the network is of rnn cells"),
    ],
)
def test_cells_that_there_are_not(cell: str, selection: UnitSelection, field: str, message: str) -> None:
    config = ModelConfig(20, cell, hidden_size=3, layers=2)  # type: ignore[arg-type]
    with pytest.raises(UnknownUnitError) as caught:
        select(config, [UnitSelection(0), selection])
    assert (caught.value.param, str(caught.value)) == ("cells", f"{field} {message}")
