"""Hooks that are called during generation: one class whose methods do nothing, for subclasses that count."""

from __future__ import annotations

from typing import Final, Literal

Lookup = Literal["hit", "partial", "miss", "joined"]
PatternLookup = Literal["hit", "miss", "joined"]


class GenerationObserver:
    """Its methods are called in the threads of requests, possibly by several at once; they should be fast and must not
    raise."""

    def looked_up(self, result: Lookup) -> None:
        """A look-up in the cache: `hit`, `partial` if a part of the text was there, `miss`, or `joined` if an identical
        request was being computed and its result is shared."""

    def generated(self, tokens: int) -> None:
        """Another `tokens` tokens were generated: for all choices of a request that has ended, successfully or not, or
        in a slice of a stream of records."""

    def prompt_read(self, tokens: int, cached: int) -> None:
        """A long prompt of `tokens` tokens was looked up and read, but for the first `cached`, whose state was
        known."""

    def pattern_looked_up(self, result: PatternLookup) -> None:
        """A pattern was looked for: `hit` if it had been compiled, `miss`, or `joined` if another request was compiling
        it."""

    def pattern_compiled(self, seconds: float) -> None:
        """A pattern was compiled, or refused, in `seconds`."""

    def completed(self, nodes: int, *, exact: bool) -> None:
        """A search for completions has read so many nodes; `exact`: it has proven that no other is likelier."""

    def first_piece(self, seconds: float) -> None:
        """The first piece of a stream is ready, `seconds` after its sequences were submitted."""

    def traced(self, tokens: int) -> None:
        """Another `tokens` tokens were read for a trace."""


NO_OBSERVER: Final = GenerationObserver()
