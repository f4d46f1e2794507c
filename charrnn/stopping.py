"""Where a generated text ends: stop texts looked for across the boundaries of tokens and chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class StopMatcher:
    """Takes a text in pieces and gives back what is surely before any stop text; nothing of a stop text is given, or,
    where it is to be `included`, all of it and nothing beyond.

    The occurrence that ends first wins (of two that end together, the longer), as if the text were looked at after
    every character: so the result does not depend on how the text was cut into pieces.
    """

    def __init__(self, stops: Sequence[str], *, included: bool = False) -> None:
        self._stops = tuple(filter(None, stops))
        self._included = included
        self._pending = ""
        self.stopped = False

    def feed(self, piece: str, *, may_stop: bool = True) -> str:
        """Take the next piece; give what can be passed on. After a match `stopped` is true and nothing follows.

        Where it may not stop, a stop text that ends in this piece counts for nothing.
        """
        if self.stopped:
            return ""
        text = self._pending + piece
        found = list(self._found(text, len(self._pending))) if may_stop else []
        if found:
            self.stopped, self._pending = True, ""
            end, start = min(found)
            return text[: end if self._included else start]
        held = self._held(text)
        self._pending = text[len(text) - held :]
        return text[: len(text) - held]

    def _found(self, text: str, begin: int) -> Iterator[tuple[int, int]]:
        """Ends and starts of the first occurrence of each stop text among those that end after `begin`."""
        for stop in self._stops:
            if (start := text.find(stop, max(0, begin + 1 - len(stop)))) >= 0:
                yield start + len(stop), start

    def flush(self) -> str:
        """What was held back because it could have begun a stop text, now that nothing follows."""
        text, self._pending = self._pending, ""
        return text

    def _held(self, text: str) -> int:
        """Length of the longest end of the text that begins a stop text."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops if len(stop) > length):
                return length
        return 0
