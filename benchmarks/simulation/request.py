"""A simulated request for one text, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["answered", "refused", "failed"]
"""Refused: with 429. Failed: lost with its replica, or sent to too many that were away."""


@dataclass(eq=False, slots=True)
class Request:
    """A text of `length` tokens; `end` is called once, with the outcome."""

    length: int
    arrived: float
    end: Callable[[Request, Outcome], None]
    left: int = 0
    """Tokens that are not generated yet."""
    joined_with: int = 0
    """What was left when it last got its place in a batch."""
    had: int = 0
    """Tokens, as fair turns count them."""
    first: float = 0.0
    """When its first tokens were there."""
    tried: list[object] = field(default_factory=list)
    """The replicas that it was sent to."""

    def begin(self) -> None:
        """Generate from the beginning: what a replica that failed has generated is lost."""
        self.left, self.joined_with, self.had, self.first = self.length, self.length, 0, 0.0


def end(request: Request, outcome: Outcome) -> None:
    """Tell whoever has sent it."""
    request.end(request, outcome)
