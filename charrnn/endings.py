"""Which tokens end a text at one of several strings, after what the text may have begun of these: a small automaton
whose states are beginnings of the strings; knows no networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.sampling import Flags
from charrnn.vocabulary import Ids


@dataclass(frozen=True, eq=False, slots=True)
class Endings:
    """What each id does to a text whose end may be the beginning of a string.

    `here` [n]: ids that end it where it is; `elsewhere`: others that end it, each with how many characters later, less
    than 0 for earlier; `goes_on` [outputs]: those after which it goes on, and in `begun` the ones of them after which
    its end is the beginning of a string, which is given.
    """

    here: Ids
    elsewhere: tuple[tuple[int, int], ...]
    goes_on: Flags
    begun: dict[int, str]


class Until:
    """The strings `until` over the `tokens` [outputs], the text of each id that may be chosen; `barred` ids never are.
    The occurrence that ends first ends a text, and of two that end together the longer one, as for stop texts."""

    def __init__(self, tokens: Sequence[str], until: Sequence[str], barred: Sequence[int] = ()) -> None:
        self.tokens = tokens
        self._until = tuple(dict.fromkeys(filter(None, until)))
        self._barred = list(barred)
        self.beginnings = frozenset(each[:n] for each in self._until for n in range(1, len(each)))
        """All that a text may have begun of a string."""
        self._after: dict[str, Endings] = {}
        self.cuts_tokens = any(map(self._is_cut, tokens))
        """Whether a string may begin within a token: texts may then end in it."""

    def after(self, begun: str = "") -> Endings:
        """What each id does after this beginning of a string, "" for none."""
        found = self._after.get(begun)
        if found is None:
            found = self._after[begun] = self._endings(begun)
        return found

    def _endings(self, begun: str) -> Endings:
        goes_on = np.zeros(len(self.tokens), dtype=np.bool_)
        here: list[int] = []
        elsewhere: list[tuple[int, int]] = []
        following: dict[int, str] = {}
        for id_, token in enumerate(self.tokens):
            if id_ in self._barred:
                continue
            text = begun + token
            start = self._found(text, len(begun))
            if start is None:
                goes_on[id_] = True
                if held := self._begun(text):
                    following[id_] = held
            elif start == len(begun):
                here.append(id_)
            else:
                elsewhere.append((id_, start - len(begun)))
        return Endings(np.array(here, dtype=np.int32), tuple(elsewhere), goes_on, following)

    def _found(self, text: str, after: int) -> int | None:
        """Where the string begins that ends the text beyond its first `after` characters; None: none does."""
        found = [
            (start + len(each), start)
            for each in self._until
            if (start := text.find(each, max(0, after + 1 - len(each)))) >= 0
        ]
        return min(found)[1] if found else None

    def _begun(self, text: str) -> str:
        """The longest end of the text that is the beginning of a string."""
        ends = (text[-n:] for n in range(min(self._longest, len(text)), 0, -1))
        return next((end for end in ends if end in self.beginnings), "")

    @property
    def _longest(self) -> int:
        return max(map(len, self.beginnings), default=0)

    def _is_cut(self, token: str) -> bool:
        if len(token) < 2:
            return False
        start = self._found(token, 0)
        return start > 0 if start is not None else 0 < len(self._begun(token)) < len(token)
