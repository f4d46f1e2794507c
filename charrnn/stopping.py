"""Turns the ids of a sequence into text as they arrive, and ends it at a stop text; goes on where another ended."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from charrnn.vocabulary import Ids, Vocabulary


@dataclass(frozen=True, slots=True)
class Pending:
    """Text of tokens that have been generated, in which a stop text may still be found.

    Its first `given` characters have been passed on. In its first `searched` characters no stop text ends; they may be
    the beginning of one.
    """

    text: str = ""
    given: int = 0
    searched: int = 0

    @property
    def left(self) -> str:
        """What has not been passed on."""
        return self.text[self.given :]


NOTHING_PENDING: Final = Pending()


class Detokenizer:
    """Decodes one sequence and searches for its stop texts; each character is looked at once.

    With stop texts, `feed` holds back what may be the beginning of one. A stop text that ends within the first
    `min_tokens` tokens is ignored. With `include_stop`, the stop text is part of the text. A text that continues
    another begins with what was `pending` at the other's end; a stop text that begins in what had been passed on ends
    the text nevertheless.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        stop: Sequence[str] = (),
        *,
        include_stop: bool = False,
        min_tokens: int = 0,
        pending: Pending = NOTHING_PENDING,
    ) -> None:
        self._vocabulary = vocabulary
        self._matcher = StopMatcher(stop, included=include_stop, pending=pending) if stop else None
        self._min_tokens = min_tokens
        self._after_stop = ""
        self.tokens = 0
        """Tokens of the text so far, up to and including the one that completed a stop text."""
        self.begun = pending.left if self._matcher is None else self._begin(self._matcher, pending)
        """What can be passed on of the pending text before the first id; it may end at a stop text."""

    @property
    def stopped(self) -> bool:
        """Whether a stop text has ended the text."""
        return self._matcher is not None and self._matcher.stopped

    @property
    def pending(self) -> Pending:
        """What a text that continues this one begins with: once `stopped`, what the last token has after the stop
        text."""
        if self._matcher is None:
            return NOTHING_PENDING
        return Pending(self._after_stop) if self.stopped else self._matcher.pending

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

    def _begin(self, matcher: StopMatcher, pending: Pending) -> str:
        """Take what has not been searched yet."""
        piece = pending.text[pending.searched :]
        text = matcher.feed(piece, may_stop=not self._min_tokens)
        self._after_stop = piece[matcher.end :] if matcher.stopped else ""
        return text

    def _match(self, matcher: StopMatcher, ids: Ids, *, may_stop: bool) -> str:
        if self.stopped:
            return ""
        piece = self._vocabulary.decode(ids)
        text = matcher.feed(piece, may_stop=may_stop)
        if matcher.stopped:
            ends = list(accumulate(map(len, self._vocabulary.tokens_of(ids))))
            last = bisect_left(ends, matcher.end)
            self._after_stop = piece[matcher.end : ends[last]]
            self.tokens += last + 1
        else:
            self.tokens += ids.size
        return text


class StopMatcher:
    """Takes a text in pieces and returns what certainly lies before any stop text; a stop text itself is returned only
    if `included`, and nothing after it.

    The occurrence that ends first wins (of two that end together, the longer), as if every character were a piece: the
    result does not depend on how the text is cut. Of `pending`, what was searched precedes the first piece.
    """

    def __init__(self, stops: Sequence[str], *, included: bool = False, pending: Pending = NOTHING_PENDING) -> None:
        self._stops = tuple(filter(None, stops))
        self._included = included
        self._held_back = pending.text[: pending.searched]
        self._given = pending.given
        self.stopped = False
        self.end = 0
        """Characters of the last piece up to the end of the stop text, once `stopped`."""

    @property
    def pending(self) -> Pending:
        """What may be the beginning of a stop text."""
        return Pending(self._held_back, self._given, len(self._held_back))

    def feed(self, piece: str, *, may_stop: bool = True) -> str:
        """Take the next piece and return what can be passed on. After a match `stopped` is true and nothing more is
        returned.

        With `may_stop` false, a stop text that ends in this piece does not count.
        """
        if self.stopped:
            return ""
        before, given = self._held_back, self._given
        text = before + piece
        found = list(self._found(text, len(before))) if may_stop else []
        if found:
            end, start = min(found)
            self.stopped, self.end, self._held_back = True, end - len(before), ""
            return text[given : end if self._included else start]
        passed = len(text) - self._held(text)
        self._held_back, self._given = text[passed:], max(0, given - passed)
        return text[given:passed]

    def _found(self, text: str, begin: int) -> Iterator[tuple[int, int]]:
        """Ends and starts of the first occurrence of each stop text among those that end after `begin`."""
        for stop in self._stops:
            if (start := text.find(stop, max(0, begin + 1 - len(stop)))) >= 0:
                yield start + len(stop), start

    def flush(self) -> str:
        """What was held back as the possible beginning of a stop text; to be called at the end of the text."""
        text, self._given = self._held_back[self._given :], len(self._held_back)
        return text

    def _held(self, text: str) -> int:
        """Length of the longest end of the text that is the beginning of a stop text."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops if len(stop) > length):
                return length
        return 0
