"""A run of tensor operations that is launched as one on a GPU; knows nothing of what it computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import torch

_WARM_UPS: Final = 3

_recording = threading.Lock()
"""One recording at a time: a process may not make two at once."""


def recorded(run: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """`run` itself on a CPU; on a GPU its operations as a CUDA graph, which one launch repeats instead of dozens.

    To be recorded, `run` works on the same tensors each time and never waits for the device. It is called a few times
    first, on a stream of its own as torch's notes on CUDA semantics ask, so that what libraries set up at their first
    use is not recorded; whatever that leaves in the tensors is the caller's to overwrite.
    """
    if device.type != "cuda":
        return run
    with _recording, torch.cuda.device(device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Other threads, with other versions, may allocate meanwhile: that is no mistake of this one's.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            run()
    return graph.replay
