from __future__ import annotations

import pytest
import torch

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.training.precision import BFLOAT16, FLOAT32, autocast, fastest_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("cell", CELLS)
def test_a_gpu_trains_in_float32(cell: Cell) -> None:
    assert fastest_precision(ModelConfig(96, cell, 512, 2), torch.device("cuda")) == FLOAT32


@pytest.mark.parametrize(("precision", "dtype"), [(FLOAT32, torch.float32), (BFLOAT16, torch.bfloat16)])
def test_products_are_computed_in_the_precision(precision: str, dtype: torch.dtype) -> None:
    with autocast(precision, CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
