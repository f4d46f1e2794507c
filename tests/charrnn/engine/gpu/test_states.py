from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.config import CELLS, Cell
from charrnn.engine.base import State
from charrnn.engine.gpu.network import Network
from charrnn.engine.gpu.states import HiddenStates
from tests.charrnn.engine.choosing import NOTHING


@pytest.fixture(params=CELLS)
def states(request: pytest.FixtureRequest, make_checkpoint: Any) -> HiddenStates:
    cell: Cell = request.param
    return HiddenStates(Network(make_checkpoint(cell, hidden=21, layers=2)), capacity=3)


def test_what_goes_in_comes_out_bit_for_bit_and_padding_stays_zero(states: HiddenStates) -> None:
    shape = states.get(0).shape
    hidden = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    states.put(1, State(hidden, 0, 0, *NOTHING))
    assert shape[0] == 2 and shape[2] == 21 and states.tensor.shape[3] == 32
    assert states.get(1).tobytes() == hidden.tobytes()
    assert not states.tensor[1, :, :, 21:].any() and not states.tensor[[0, 2, 3]].any()


def test_a_slot_that_is_used_again_begins_with_zeros(states: HiddenStates) -> None:
    states.tensor[:] = 5
    states.put(2, None)
    assert not states.get(2).any() and states.get(1).all()


def test_what_is_got_is_a_copy(states: HiddenStates) -> None:
    states.get(0)[:] = 7
    assert not states.tensor.any()


def test_the_spare_slot_belongs_to_no_sequence(states: HiddenStates) -> None:
    assert states.spare == 3 and states.tensor.shape[0] == 4
