"""Runs torch with one thread where numbers must not depend on the number of cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread, and afterwards with as many as before.

    Dividing a product among threads changes the order of its sums, and makes small products slower.
    """
    before = torch.get_num_threads()
    if before != 1:  # setting it takes time
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
