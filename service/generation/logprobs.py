"""The log-probabilities of a text's tokens, stored compactly as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Logprobs
from charrnn.vocabulary import Ids, Vocabulary


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """The log-probabilities of one token and of the likeliest ones, best first; None for the first token of a text."""

    token: str
    logprob: float | None
    top: tuple[tuple[str, float], ...] = ()


BLOCK: Final = 256
"""How many tokens iteration converts at a time."""

_NOTHING: Final = (
    np.empty(0, np.int32),
    Logprobs(np.empty(0, np.float32), np.empty((0, 0), np.int32), np.empty((0, 0), np.float32)),
)


@dataclass(frozen=True, eq=False, slots=True)
class TextLogprobs(Sequence[TokenLogprobs]):
    """The log-probabilities of the tokens `ids` [n]; each TokenLogprobs is created on access."""

    vocabulary: Vocabulary
    ids: Ids
    logprobs: Logprobs

    @classmethod
    def joined(cls, vocabulary: Vocabulary, parts: Iterable[tuple[Ids, Logprobs]]) -> TextLogprobs:
        """The log-probabilities of tokens in several parts."""
        found = [part for part in parts if len(part[0])] or [_NOTHING]
        if len(found) == 1:
            return cls(vocabulary, *found[0])
        return cls(
            vocabulary, np.concatenate([ids for ids, _ in found]), Logprobs.joined([logprobs for _, logprobs in found])
        )

    @property
    def width(self) -> int:
        """How many values each token has: its own and those of the likeliest."""
        return 1 + int(self.logprobs.top.shape[1])

    @property
    def tokens(self) -> Sequence[str]:
        """The text of each token."""
        return self.vocabulary.tokens_of(self.ids)

    @property
    def chosen(self) -> list[float | None]:
        """The log-probability of each token."""
        return [None if math.isnan(each) else each for each in self.logprobs.chosen.tolist()]

    def lengths(self) -> npt.NDArray[np.int64]:
        """Characters of each token, [n]; a mark has none."""
        if self.vocabulary.level == "char":
            return (self.ids < self.vocabulary.text_size).astype(np.int64)
        return np.fromiter(map(len, self.tokens), np.int64, len(self))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> TokenLogprobs: ...
    @overload
    def __getitem__(self, index: slice) -> TextLogprobs: ...
    def __getitem__(self, index: int | slice) -> TokenLogprobs | TextLogprobs:
        if isinstance(index, slice):
            return TextLogprobs(self.vocabulary, self.ids[index], self.logprobs[index])
        at = range(len(self))[index]
        return next(iter(self[at : at + 1]))

    def __iter__(self) -> Iterator[TokenLogprobs]:
        for start in range(0, len(self), BLOCK):
            yield from self[start : start + BLOCK]._made()

    def _made(self) -> Iterator[TokenLogprobs]:
        unknown, width = self.vocabulary.unknown_id, self.width - 1
        # A first token follows nothing: its likeliest ids may be -1, and are left out below.
        ids = np.maximum(self.logprobs.top_ids, 0).ravel()
        likeliest = list(
            zip(ids.tolist(), self.vocabulary.tokens_of(ids), self.logprobs.top.ravel().tolist(), strict=True)
        )
        for at, (token, logprob) in enumerate(zip(self.tokens, self.chosen, strict=True)):
            top = likeliest[at * width : (at + 1) * width] if logprob is not None else ()
            yield TokenLogprobs(token, logprob, tuple((other, p) for id_, other, p in top if id_ != unknown))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextLogprobs) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(self.ids.tobytes())
