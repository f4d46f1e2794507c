"""The loss that engines are judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.config import CELLS, Cell
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.fidelity import Fidelity, loss, measure


@pytest.mark.parametrize("streams", [1, 3, 1000])
def test_the_loss_is_the_mean_over_the_streams(streams: int, make_checkpoint: Any, log_probabilities: Any) -> None:
    checkpoint = make_checkpoint()
    ids = np.random.default_rng(0).integers(0, 20, 100).astype(np.int32)
    parts = np.array_split(ids, min(streams, 50))
    expected = np.concatenate(
        [log_probabilities(checkpoint, part[:-1])[np.arange(part.size - 1), part[1:]] for part in parts]
    )
    assert loss(CpuEngine(checkpoint, "float32"), ids, streams) == pytest.approx(-expected.mean(), abs=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_int8_is_near_float32(cell: Cell, make_checkpoint: Any) -> None:
    found = measure(make_checkpoint(cell, hidden=100), np.random.default_rng(0).integers(0, 20, 5000).astype(np.int32))
    assert 0 < abs(found.difference) < 0.01
    assert found.float32 > 2


@pytest.mark.parametrize(("int8", "precision"), [(1.5009, "int8"), (1.5011, "float32"), (1.4989, "float32")])
def test_a_version_that_misses_the_bound_is_served_in_float(int8: float, precision: str) -> None:
    assert Fidelity(int8, 1.5).precision == precision


def test_one_id_has_no_loss(make_checkpoint: Any) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        loss(CpuEngine(make_checkpoint()), np.zeros(1, np.int32))
