from __future__ import annotations

import pytest
import torch

from charrnn.engine.gpu.graph import captured


def test_on_a_cpu_nothing_is_captured() -> None:
    calls: list[int] = []
    run = captured(lambda: calls.append(1), torch.device("cpu"))
    assert not calls
    run()
    run()
    assert calls == [1, 1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_a_launch_does_what_the_call_did() -> None:
    number = torch.zeros(1, device="cuda")

    def step() -> None:
        number.mul_(2).add_(1)

    run = captured(step, number.device)
    number.zero_()
    run()
    run()
    assert number.item() == 3
