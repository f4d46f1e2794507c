"""What generating reports while it runs: one class of hooks that do nothing, for subclasses that count."""

from __future__ import annotations

from typing import Final, Literal

Lookup = Literal["hit", "miss", "joined"]


class GenerationObserver:
    """Its methods are called in the threads of requests, at the same moment by several; they should be quick and must
    not raise."""

    def looked_up(self, result: Lookup) -> None:
        """The cache was asked: it had the result (`hit`) or had not (`miss`), or the same request was being computed
        and its result is shared (`joined`)."""

    def generated(self, tokens: int) -> None:
        """A request has ended, finished or not; `tokens` were generated for it, in all of its choices together."""

    def first_piece(self, seconds: float) -> None:
        """The first piece of a stream is ready, `seconds` after its sequences were submitted."""

    def traced(self, tokens: int) -> None:
        """`tokens` more were read for a trace."""


NO_OBSERVER: Final = GenerationObserver()
