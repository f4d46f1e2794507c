"""What the long tests of several machines measure, for docs/scaling.md."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tests.system.scale import Row, put_table


def shown(name: str, head: Row, rows: Sequence[Row]) -> None:
    """Print a table, and put it into the page that SCALING names, if it does, between the comments of this name."""
    print(name, head, *rows, sep="\n", flush=True)
    if page := os.environ.get("SCALING"):
        put_table(Path(page), name, head, rows)


def spread(values: Sequence[float]) -> tuple[str, str]:
    """The median and the most of some seconds."""
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 2]:.1f} s", f"{ordered[-1]:.1f} s"
