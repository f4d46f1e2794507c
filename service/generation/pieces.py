"""The pieces in which a text is streamed, and how they are cut into smaller ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from charrnn.vocabulary import Ids
from service.generation.continuations.continuation import Continuation
from service.generation.logprobs import TextLogprobs
from service.generation.progress import StreamProgress
from service.generation.requests import FinishReason, Skipped


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of a choice's text."""

    text: str
    logprobs: TextLogprobs | None = None
    """The log-probabilities of the tokens that begin in this text, if requested."""
    finish_reason: FinishReason | None = None
    """Why the choice ended with this piece; None if it continues."""
    begun: int = 0
    """How many characters of the text belong to a token that began in the previous piece."""
    tokens: range = range(0)
    """Which of the choice's tokens are new, including those of a stop text."""
    ids: tuple[int, ...] | None = None
    """The ids of these tokens, if requested."""
    continuation: Continuation | None = None
    """With the last piece: the end of the choice, if requested."""

    def after(self, characters: int, tokens: int) -> Piece:
        """What comes after the piece's first `characters`, and after the choice's first `tokens`."""
        new = range(max(self.tokens.start, tokens), max(self.tokens.stop, tokens))
        ids = None if self.ids is None else self.ids[new.start - self.tokens.start :]
        rest = replace(self, text=self.text[characters:], tokens=new, ids=ids)
        if not self.logprobs:
            return replace(rest, begun=max(0, self.begun - characters))
        begins = self.begun + np.append(0, np.cumsum(self.logprobs.lengths()))
        count = int(np.searchsorted(begins[:-1], characters))
        begun = min(int(begins[count]) - characters, len(rest.text))
        return replace(rest, logprobs=self.logprobs[count:], begun=begun)

    def parts(self) -> Parts:
        """The smallest parts into which it can be cut."""
        if not self.logprobs:
            return Parts(self, range(len(self.text) + 1))
        ends = self.begun + np.cumsum(self.logprobs.lengths())
        return Parts(self, [0, *np.minimum(ends[:-1], len(self.text)).tolist(), len(self.text)])


@dataclass(frozen=True, slots=True)
class Parts:
    """A piece that can be cut between its tokens or, without log-probabilities, between characters: the text of part i
    is from `ends[i]` to `ends[i + 1]`. A piece without a text is one part."""

    piece: Piece
    ends: Sequence[int]

    def __len__(self) -> int:
        return max(1, len(self.ends) - 1)

    def between(self, start: int, stop: int) -> Piece:
        """The parts from `start` to `stop` as one piece."""
        whole, last = self.piece, stop == len(self)
        # The piece may have more or fewer tokens than its text: the text of a token can be held back and follow its id.
        mine = slice(*(len(whole.tokens) * at // len(self) for at in (start, stop)))
        return Piece(
            whole.text[self.ends[start] : None if last else self.ends[stop]],
            whole.logprobs if whole.logprobs is None else whole.logprobs[start:stop],
            whole.finish_reason if last else None,
            0 if start else whole.begun,
            whole.tokens[mine],
            None if whole.ids is None else whole.ids[mine],
            whole.continuation if last else None,
        )


@dataclass(frozen=True, eq=False, slots=True)
class StreamHead:
    """What is known of a request's result before its first piece; `prompt` has the ids that were read."""

    model: str
    version: int
    prompt: Ids
    skipped: Skipped
    cached: bool
    seeds: tuple[int, ...]
    """Of each choice."""
    cached_tokens: int = 0
    """How many of the generated tokens come from the cache; if `cached`, all."""
    cached_prompt_tokens: int = 0
    """How many of the prompt's ids were read for earlier requests."""
    pattern_skipped: tuple[str, ...] = ()
    """The characters of the pattern that the model does not know, and that it can do without."""

    @property
    def prompt_tokens(self) -> int:
        """How many ids of the prompt were read."""
        return int(self.prompt.size)


@dataclass(frozen=True, eq=False, slots=True)
class Stream:
    """The results of one or several requests in pieces."""

    heads: tuple[StreamHead, ...]
    pieces: Iterator[tuple[int, Piece] | None]
    """(index of the choice, counted through all requests, piece), until every choice has ended; None from time to time
    if there is nothing new."""
    completion_tokens: Callable[[], int]
    """How many tokens were generated; call it after the last piece."""
    progress: StreamProgress
    """How much was passed on before the first of the pieces."""
    resumed: bool = False
    """Whether it goes on after an event of an earlier one."""
