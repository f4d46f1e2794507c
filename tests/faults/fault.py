"""What a fault is: something that is done to a running service, and what may come of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from tests.faults.site import Site

S = TypeVar("S", bound=Site)


@dataclass(frozen=True)
class Fault(Generic[S]):
    """One fault, which lasts as long as its context; the context's value, if any, are laws that were broken meanwhile.

    `name` and `what` stand in the table. It lasts for `seconds`. `breaks`: connections may break, because a process
    that has some ends. `refuses`: the kinds of requests that may be refused with a 503 meanwhile. `degraded`: a pattern
    of what `/readyz` must say meanwhile; empty: it is over too soon to be seen. `ends`: the whole service ends, and
    is started again.
    """

    name: str
    group: str
    inflict: Callable[[S, Random], AbstractContextManager[list[str] | None]]
    seconds: float = 0.0
    breaks: bool = False
    refuses: frozenset[str] = frozenset()
    degraded: str = ""
    ends: bool = False
