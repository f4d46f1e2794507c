"""Character-level recurrent language models: networks, training, generation; knows no HTTP and no Redis."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.generating import generate

__version__ = "0.1.0"

__all__ = ["__version__", "generate"]


def __getattr__(name: str) -> Any:
    """`generate`, imported on first use: importing the engine is slow, and most modules here do not need it."""
    if name == "generate":
        return importlib.import_module("charrnn.generating").generate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
