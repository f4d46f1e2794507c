"""Trains on a text as a user does, with `charrnn train`, in a data directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from charrnn.training.config import Budget

STDERR: Final = 2
"""Where its progress goes, so that tables stand alone on standard output."""


@contextmanager
def published(text: Path, name: str, budget: Budget, options: Iterable[str] = ()) -> Iterator[Path]:
    """The version that training on the text publishes, with what the service keeps beside it; removed at the end.
    Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        ((unit, amount),) = budget.as_dict().items()
        command = [sys.executable, "-m", "service", "train", str(text), "--model", name, f"--{unit}", f"{amount:g}"]
        subprocess.run([*command, *options], check=True, env=os.environ | {"DATA_DIR": folder}, stdout=STDERR)
        (version,) = Path(folder).glob(f"models/{name}/1.safetensors")
        yield version
