"""Builds one choice, its text, tokens and finish reason, from an engine's outputs for one sequence."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

import numpy as np

from charrnn.engine.base import Logprobs, Output
from charrnn.stopping import NOTHING_PENDING, Detokenizer, Pending
from charrnn.vocabulary import Ids, Vocabulary
from service.generation.logprobs import TextLogprobs
from service.generation.pieces import Piece
from service.generation.requests import Choice, FinishReason, GenerationRequest


@dataclass(eq=False, slots=True)
class _Decoded:
    """An output, its text, how many of its ids count, and whether the choice ends with them."""

    output: Output
    text: str
    tokens: int
    finish_reason: FinishReason | None


class ChoiceBuilder:
    """Collects the outputs of one choice, in the thread that advances the batch, and turns them into pieces, in the
    request's thread. The content of a piece is final. What was not passed on of the text that it continues comes
    first, then the prompt if it is echoed."""

    def __init__(self, vocabulary: Vocabulary, prompt: Ids, request: GenerationRequest, seed: int) -> None:
        self._vocabulary = vocabulary
        left, pending = _pending(request, prompt)
        self._detokenizer = Detokenizer(
            vocabulary,
            request.searched_stop,
            include_stop=request.include_stop,
            min_tokens=request.min_tokens,
            pending=pending,
        )
        # Only a stop text can end a sequence before the engine does; anything else that can must be added here. Text in
        # which the end can be found is decoded where the sequence can be ended at once, all other text in the
        # request's thread.
        self._may_stop = bool(request.searched_stop)
        self._outputs: deque[Output] = deque()
        self._decoded: deque[_Decoded] = deque()
        self._seed = seed
        self._prompt = prompt
        self._before = left + self._detokenizer.begun + (vocabulary.decode(prompt) if request.echo else "")
        self._wants_logprobs = request.sampling.logprobs is not None
        self._waiting: list[tuple[Ids, Logprobs]] = []  # of tokens whose text is held back
        # Characters of the last token's text that are still held back; before the first, of the text that is continued.
        self._ahead = len(left or pending.left)
        self._ids: list[int] | None = [] if request.with_ids else None
        self._taken: list[Ids] | None = [] if request.pattern is not None else None
        self._in_pieces = 0  # tokens in the pieces so far
        self._pieces: list[Piece] = []
        self.tokens = 0
        """Tokens generated, of the outputs taken so far; those of a stop text included."""
        self.finish_reason: FinishReason | None = None
        """Set by `take` when the choice has ended."""
        self.is_over = False
        """Whether the choice ends before any token: what it continues is a record that has ended, or the text of the
        last token has another stop text."""
        if self._detokenizer.stopped or (request.start is not None and request.start.ended):
            self.is_over = True
            nothing = Output(0, np.zeros(0, dtype=np.int32), done=True, ended=True)
            reason = _reason(nothing, stopped=self._detokenizer.stopped)
            self._decoded.append(_Decoded(nothing, "", 0, reason))

    def add(self, output: Output) -> bool:
        """Keep an output until the next `take`; returns whether the choice ends with it. Called by the batch's
        thread."""
        if not self._may_stop:
            self._outputs.append(output)
            return output.done
        decoded = self._decode(output)
        self._decoded.append(decoded)
        return decoded.finish_reason is not None

    def take(self) -> Piece:
        """The piece of the outputs since the last call; its text is empty if nothing can be passed on yet."""
        decoded = [self._decoded.popleft() for _ in range(len(self._decoded))]
        decoded += map(self._decode, _joined([self._outputs.popleft() for _ in range(len(self._outputs))]))
        text = "".join(self._take(each) for each in decoded if self.finish_reason is None)
        begun = self._ahead
        logprobs = self._logprobs_of(text) if self._wants_logprobs else None
        # A piece without text or finish reason is not sent: its tokens then belong to the next one.
        tokens = range(self._in_pieces, self.tokens) if text or self.finish_reason else range(0)
        self._in_pieces = tokens.stop or self._in_pieces
        ids = None if self._ids is None else tuple(self._ids[tokens.start : tokens.stop])
        piece = Piece(text, logprobs, self.finish_reason, min(begun, len(text)), tokens, ids)
        if text or self.finish_reason:
            self._pieces.append(piece)
        return piece

    @property
    def fitting_ids(self) -> Iterator[int]:
        """The ids of the outputs taken so far that have to fit a pattern, if there is one: all but the end of a
        record."""
        ids = chain.from_iterable(each.tolist() for each in self._taken or ())
        return islice(ids, self.tokens - (self.finish_reason == "end"))

    @property
    def pending(self) -> Pending:
        """What a text that goes on after the outputs taken so far begins with."""
        return self._detokenizer.pending

    def choice(self) -> Choice:
        """The whole choice, once it has ended."""
        assert self.finish_reason is not None
        text = "".join(piece.text for piece in self._pieces)
        found = [(piece.logprobs.ids, piece.logprobs.logprobs) for piece in self._pieces if piece.logprobs is not None]
        logprobs = TextLogprobs.joined(self._vocabulary, found) if self._wants_logprobs else None
        ids = None if self._ids is None else tuple(self._ids)
        return Choice(text, self._seed, self.finish_reason, self.tokens, logprobs, ids)

    def _decode(self, output: Output) -> _Decoded:
        detokenizer = self._detokenizer
        before = detokenizer.tokens
        text = detokenizer.feed(output.ids, done=output.done)
        return _Decoded(output, text, detokenizer.tokens - before, _reason(output, stopped=detokenizer.stopped))

    def _take(self, decoded: _Decoded) -> str:
        output = decoded.output
        if output.prompt_logprobs is not None:
            # Without the mark that was read before the prompt.
            self._waiting.append((self._prompt, output.prompt_logprobs.latest(self._prompt.size)))
        if output.logprobs is not None:
            self._waiting.append((output.ids, output.logprobs))
        if self._taken is not None:
            self._taken.append(output.ids)
        if self._ids is not None:
            self._ids += output.ids[: decoded.tokens].tolist()
        self.tokens += decoded.tokens
        self.finish_reason = decoded.finish_reason
        before, self._before = self._before, ""
        return before + decoded.text

    def _logprobs_of(self, text: str) -> TextLogprobs:
        """The log-probabilities of the tokens that begin in the text; those of held-back tokens follow later."""
        waiting = TextLogprobs.joined(self._vocabulary, self._waiting)
        begins = np.append(self._ahead, self._ahead + np.cumsum(waiting.lengths()))
        # A record's end has no text: it begins where the text ends.
        side: Literal["left", "right"] = "right" if self.finish_reason == "end" else "left"
        count = int(np.searchsorted(begins[:-1], len(text), side))
        self._ahead = int(begins[count]) - len(text)
        given, rest = waiting[:count], waiting[count:]
        self._waiting = [(rest.ids, rest.logprobs)] if len(rest) else []
        return given


def _pending(request: GenerationRequest, prompt: Ids) -> tuple[str, Pending]:
    """Of the text that is continued: what is passed on before the prompt; and where there is no prompt, what is pending
    otherwise. Other stop texts than before are looked for only in what is new."""
    start = request.start
    if start is None or request.pattern is not None:  # what is left of a word need not fit the pattern
        return "", NOTHING_PENDING
    if prompt.size:
        return start.pending.left, NOTHING_PENDING
    return "", start.pending if request.stop == start.stop else Pending(start.pending.left)


def _reason(output: Output, *, stopped: bool) -> FinishReason | None:
    if stopped or output.completed or not output.done:
        return "stop" if stopped or output.completed else None
    return "end" if output.ended else "length"


def _joined(outputs: Sequence[Output]) -> Sequence[Output]:
    """Joins outputs that have only ids into one. A request that reads late finds thousands of outputs of a few ids
    each, and would fall further behind if it decoded them one by one."""
    if len(outputs) < 2 or any(output.logprobs or output.prompt_logprobs for output in outputs):
        return outputs
    last = outputs[-1]
    ids = np.concatenate([output.ids for output in outputs])
    return [Output(last.handle, ids, last.done, ended=last.ended, completed=last.completed)]
