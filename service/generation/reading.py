"""From what an engine gives for one sequence to the text, the tokens and the end of one choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.engine.base import Logprobs, Output
from charrnn.stopping import StopMatcher
from charrnn.vocabulary import Ids, Vocabulary
from service.generation.logprobs import TextLogprobs
from service.generation.requests import Choice, FinishReason, GenerationRequest


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of a choice's text, its tokens' logarithms when they were asked for, and how it ended if it has.

    `begun` characters of the text belong to a token that was told with the piece before. `tokens` says which of the
    choice's tokens are new, those of a stop text included, and `ids` has their ids when these were asked for.
    """

    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: FinishReason | None = None
    begun: int = 0
    tokens: range = range(0)
    ids: tuple[int, ...] | None = None

    def parts(self) -> Parts:
        """What it can be cut into."""
        if not self.logprobs:
            return Parts(self, range(len(self.text) + 1))
        ends = self.begun + np.cumsum(self.logprobs.lengths())
        return Parts(self, [0, *np.minimum(ends[:-1], len(self.text)).tolist(), len(self.text)])


@dataclass(frozen=True, slots=True)
class Parts:
    """A piece that can be cut between its tokens, or between characters where tokens are not told: the text of number i
    is from `ends[i]` to `ends[i + 1]`. A piece without a text is one part."""

    piece: Piece
    ends: Sequence[int]

    def __len__(self) -> int:
        return max(1, len(self.ends) - 1)

    def between(self, start: int, stop: int) -> Piece:
        """The parts from `start` to `stop` as one piece."""
        whole, last = self.piece, stop == len(self)
        # Texts and tokens need not begin together: what of a token is held back comes later than its id.
        mine = slice(*(len(whole.tokens) * at // len(self) for at in (start, stop)))
        return Piece(
            whole.text[self.ends[start] : None if last else self.ends[stop]],
            whole.logprobs if whole.logprobs is None else whole.logprobs[start:stop],
            whole.finish_reason if last else None,
            0 if start else whole.begun,
            whole.tokens[mine],
            None if whole.ids is None else whole.ids[mine],
        )


class ChoiceReader:
    """Reads the outputs of one choice as they come; what is given out is never taken back."""

    def __init__(self, vocabulary: Vocabulary, prompt: Ids, request: GenerationRequest, seed: int) -> None:
        self._vocabulary = vocabulary
        self._matcher = StopMatcher(request.stop, included=request.include_stop) if request.stop else None
        self._min_tokens = request.min_tokens
        self._seed = seed
        self._prompt = prompt
        self._echo = vocabulary.decode(prompt) if request.echo else ""
        self._wants_logprobs = request.sampling.logprobs is not None
        self._waiting: list[tuple[Ids, Logprobs]] = []
        self._ahead = 0
        self.tokens = 0
        self._ids: list[int] | None = [] if request.with_ids else None
        self._told = 0
        self._pieces: list[Piece] = []
        self.finish_reason: FinishReason | None = None

    def read(self, outputs: Sequence[Output]) -> Piece:
        """What the outputs add to the choice; an empty text when there is nothing to give out yet."""
        text = "".join(self._take(output) for output in _joined(outputs) if self.finish_reason is None)
        begun = self._ahead
        logprobs, tokens = self._logprobs_of(text), range(self._told, self.tokens)
        if not (text or self.finish_reason):  # nobody hears of it: its tokens are the next piece's
            tokens = range(0)
        ids = None if self._ids is None else tuple(self._ids[tokens.start : tokens.stop])
        self._told = tokens.stop or self._told
        piece = Piece(text, logprobs, self.finish_reason, min(begun, len(text)), tokens, ids)
        self._pieces.append(piece)
        return piece

    def choice(self) -> Choice:
        """The whole choice, once it has ended."""
        assert self.finish_reason is not None
        text = "".join(piece.text for piece in self._pieces)
        told = [(piece.logprobs.ids, piece.logprobs.logprobs) for piece in self._pieces if piece.logprobs is not None]
        logprobs = TextLogprobs.joined(self._vocabulary, told) if self._wants_logprobs else None
        ids = None if self._ids is None else tuple(self._ids)
        return Choice(text, self._seed, self.finish_reason, self.tokens, logprobs, ids)

    def _take(self, output: Output) -> str:
        if output.prompt_logprobs is not None:
            self._waiting.append((self._prompt, output.prompt_logprobs))
        if output.logprobs is not None:
            self._waiting.append((output.ids, output.logprobs))
        prompt, self._echo = self._echo, ""
        before = self.tokens
        text = self._passed(output.ids, output.done)
        if self._ids is not None:
            self._ids += output.ids[: self.tokens - before].tolist()
        return prompt + text

    def _passed(self, ids: Ids, done: bool) -> str:
        """What of the new tokens can be given out, and whether the choice ends with them."""
        if self._matcher is None:
            self.tokens += ids.size
            self.finish_reason = "length" if done else None
            return self._vocabulary.decode(ids)
        text = ""
        for token in self._vocabulary.tokens_of(ids):
            text += self._matcher.feed(token, may_stop=self.tokens >= self._min_tokens)
            self.tokens += 1
            if self._matcher.stopped:
                self.finish_reason = "stop"
                return text
        self.finish_reason = "length" if done else None
        return text + (self._matcher.flush() if done else "")

    def _logprobs_of(self, text: str) -> TextLogprobs | None:
        """Those of the tokens that the text begins; those of tokens held back wait."""
        if not self._wants_logprobs:
            return None
        waiting = TextLogprobs.joined(self._vocabulary, self._waiting)
        begins = np.append(self._ahead, self._ahead + np.cumsum(waiting.lengths()))
        count = int(np.searchsorted(begins[:-1], len(text)))
        self._ahead = int(begins[count]) - len(text)
        given, rest = waiting[:count], waiting[count:]
        self._waiting = [(rest.ids, rest.logprobs)] if len(rest) else []
        return given


def stop_watch(vocabulary: Vocabulary, request: GenerationRequest) -> Callable[[Ids], bool] | None:
    """Says of new ids, as they come, whether a stop text is complete with them, as a reader will find later; None where
    there is none to look for."""
    if not request.stop:
        return None
    matcher, first = StopMatcher(request.stop), request.min_tokens

    def watch(ids: Ids) -> bool:
        nonlocal first
        if first:
            matcher.feed(vocabulary.decode(ids[:first]), may_stop=False)
            first, ids = max(0, first - ids.size), ids[first:]
        matcher.feed(vocabulary.decode(ids))
        return matcher.stopped

    return watch


def _joined(outputs: Sequence[Output]) -> Sequence[Output]:
    """The same in one output where ids are all there is. A reader that comes late finds thousands of a few ids each,
    and would fall back further by reading one at a time."""
    if len(outputs) < 2 or any(output.logprobs or output.prompt_logprobs for output in outputs):
        return outputs
    last = outputs[-1]
    return [Output(last.handle, np.concatenate([output.ids for output in outputs]), last.done)]
