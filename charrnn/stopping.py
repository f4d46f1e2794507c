"""Turns the ids of a sequence into text as they arrive, and ends it at a stop text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from charrnn.vocabulary import Ids, Vocabulary


class Detokenizer:
    """Decodes one sequence and searches for its stop texts; each character is looked at once.

    With stop texts, `feed` holds back what may be the beginning of one. A stop text that ends within the first
    `min_tokens` tokens is ignored. With `include_stop`, the stop text is part of the text.
    """

    def __init__(
        self, vocabulary: Vocabulary, stop: Sequence[str] = (), *, include_stop: bool = False, min_tokens: int = 0
    ) -> None:
        self._vocabulary = vocabulary
        self._matcher = StopMatcher(stop, included=include_stop) if stop else None
        self._min_tokens = min_tokens
        self.tokens = 0
        """Tokens of the text so far, up to and including the one that completed a stop text."""

    @property
    def stopped(self) -> bool:
        """Whether a stop text has ended the text."""
        return self._matcher is not None and self._matcher.stopped

    def feed(self, ids: Ids, *, done: bool = False) -> str:
        """Take the next ids and return the text that can be passed on; with `done`, all of it. Once `stopped`, returns
        "" and counts no tokens."""
        if self._matcher is None:
            self.tokens += ids.size
            return self._vocabulary.decode(ids)
        first = max(0, self._min_tokens - self.tokens)
        text = self._match(self._matcher, ids[:first], may_stop=False) if first else ""
        text += self._match(self._matcher, ids[first:], may_stop=True)
        return text + self._matcher.flush() if done else text

    def _match(self, matcher: StopMatcher, ids: Ids, *, may_stop: bool) -> str:
        if matcher.stopped:
            return ""
        text = matcher.feed(self._vocabulary.decode(ids), may_stop=may_stop)
        self.tokens += self._tokens_of_first(matcher.end, ids) if matcher.stopped else ids.size
        return text

    def _tokens_of_first(self, characters: int, ids: Ids) -> int:
        """How many of the ids make up this many characters."""
        ends = list(accumulate(map(len, self._vocabulary.tokens_of(ids))))
        return bisect_left(ends, characters) + 1


class StopMatcher:
    """Takes a text in pieces and returns what certainly lies before any stop text; a stop text itself is returned only
    if `included`, and nothing after it.

    The occurrence that ends first wins (of two that end together, the longer), as if every character were a piece: the
    result does not depend on how the text is cut.
    """

    def __init__(self, stops: Sequence[str], *, included: bool = False) -> None:
        self._stops = tuple(filter(None, stops))
        self._included = included
        self._pending = ""
        self.stopped = False
        self.end = 0
        """Characters of the last piece up to the end of the stop text, once `stopped`."""

    def feed(self, piece: str, *, may_stop: bool = True) -> str:
        """Take the next piece and return what can be passed on. After a match `stopped` is true and nothing more is
        returned.

        With `may_stop` false, a stop text that ends in this piece does not count.
        """
        if self.stopped:
            return ""
        text = self._pending + piece
        found = list(self._found(text, len(self._pending))) if may_stop else []
        if found:
            end, start = min(found)
            self.stopped, self.end, self._pending = True, end - len(self._pending), ""
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
        """What was held back as the possible beginning of a stop text; to be called at the end of the text."""
        text, self._pending = self._pending, ""
        return text

    def _held(self, text: str) -> int:
        """Length of the longest end of the text that is the beginning of a stop text."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops if len(stop) > length):
                return length
        return 0
