"""Every engine, by name, as it is built on any machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.batch import GpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine

BUILD: Final[dict[str, Callable[[Checkpoint], Engine]]] = {
    "reference": ReferenceEngine,
    "int8": CpuEngine,
    "float32": lambda checkpoint: CpuEngine(checkpoint, "float32"),
    "gpu": lambda checkpoint: GpuEngine(checkpoint, "cpu"),
}
