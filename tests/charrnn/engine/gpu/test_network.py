"""The network in torch against the equations in charrnn.cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from charrnn import cells
from charrnn.config import CELLS, Cell
from charrnn.engine.gpu.network import TILE, WIDTH_MULTIPLE, Network, rounded

V = 20


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("hidden", "layers", "embedding"), [(1, 1, 0), (13, 3, 7), (16, 2, 0)])
def test_a_step_is_the_equations(cell: Cell, hidden: int, layers: int, embedding: int, make_checkpoint: Any) -> None:
    checkpoint = make_checkpoint(cell, V, hidden, layers, embedding)
    network = Network(checkpoint)
    states = torch.zeros(TILE, layers, checkpoint.config.state_parts, network.hidden_size)
    ids = np.random.default_rng(0).integers(0, V, (5, TILE))
    expected = [cells.initial_state(checkpoint.config) for _ in range(TILE)]
    for step in ids:
        logits, states = network.advance(torch.from_numpy(step), states)
        for row, id_ in enumerate(step.tolist()):
            of_row, expected[row] = cells.step(checkpoint.config, checkpoint.weights, id_, expected[row])
            np.testing.assert_allclose(logits[row, :V], of_row, atol=2e-5)
    assert not states[..., hidden:].any(), "units that were added stay zero"


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the layouts of the factors of each product."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layouts: list[tuple[tuple[int, ...], ...]] = []

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.ops.aten.addmm.default:
            self.layouts.append(tuple(factor.stride() for factor in args[1:3]))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("cell", CELLS)
def test_holding_nothing_leaves_every_layout_as_it_is(cell: Cell, make_checkpoint: Any) -> None:
    network = Network(make_checkpoint(cell, V, 24, layers=2))
    states = torch.rand(TILE, 2, network.config.state_parts, network.hidden_size)
    found = []
    for held in (None, torch.full_like(states, torch.nan)):
        with Products() as products:
            network.advance(torch.arange(TILE), states, held)
        found.append(products.layouts)
    assert found[0] == found[1] and len(found[0]) == 4


def test_ids_beyond_the_vocabulary_are_impossible(make_checkpoint: Any) -> None:
    network = Network(make_checkpoint("gru", V, 8))
    logits, _ = network.advance(torch.zeros(TILE, dtype=torch.int64), torch.zeros(TILE, 1, 1, network.hidden_size))
    assert logits.shape == (TILE, rounded(V))
    assert torch.isfinite(logits[:, :V]).all() and (logits[:, V:] == -torch.inf).all()


@pytest.mark.parametrize(("width", "expected"), [(1, 1), (WIDTH_MULTIPLE, 1), (WIDTH_MULTIPLE + 1, 2)])
def test_widths_are_rounded_up(width: int, expected: int) -> None:
    assert rounded(width) == expected * WIDTH_MULTIPLE
