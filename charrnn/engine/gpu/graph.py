"""Captures a series of tensor operations as a CUDA graph, which is launched as one; knows nothing of what it
computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import torch

_WARM_UPS: Final = 3

_capturing = threading.Lock()
"""One capture at a time: a process cannot make two at once."""


def captured(run: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """On a CPU `run` itself; on a GPU its operations as a CUDA graph, which takes one launch instead of dozens.

    `run` must work on the same tensors each time and never wait for the device. It is called a few times first, on a
    side stream as torch's notes on CUDA semantics require, so that the initialization of libraries is not captured; the
    caller must overwrite what that leaves in the tensors.
    """
    if device.type != "cuda":
        return run
    with _capturing, torch.cuda.device(device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Other threads, with other versions, may allocate meanwhile, which is not an error here.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            run()
    return graph.replay
