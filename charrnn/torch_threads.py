"""How many threads torch computes with: one, wherever numbers must not depend on the number of cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one of torch's threads, and afterwards with as many as before.

    How a product is divided among several threads changes the order of its sums; a small one is slower so as well.
    """
    before = torch.get_num_threads()
    if before != 1:  # setting it is not free
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
