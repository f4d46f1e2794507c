"""From what an engine gives for one sequence to the text, the tokens and the end of one choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.engine.base import Logprobs, Output
from charrnn.stopping import StopMatcher
from charrnn.vocabulary import Ids, Vocabulary
from service.generation.requests import Choice, FinishReason, GenerationRequest, TokenLogprobs


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of a choice's text, its tokens' logarithms when they were asked for, and how it ended if it has."""

    text: str
    logprobs: tuple[TokenLogprobs, ...] | None = None
    finish_reason: FinishReason | None = None


class ChoiceReader:
    """Reads the outputs of one choice as they come; what is given out is never taken back."""

    def __init__(self, vocabulary: Vocabulary, prompt: Ids, request: GenerationRequest, seed: int) -> None:
        self._vocabulary = vocabulary
        self._matcher = StopMatcher(request.stop) if request.stop else None
        self._seed = seed
        self._prompt = prompt
        self._echo = vocabulary.decode(prompt) if request.echo else ""
        self._wants_logprobs = request.sampling.logprobs is not None
        self._waiting: list[TokenLogprobs] = []
        self._ahead = 0
        self.tokens = 0
        self._pieces: list[Piece] = []
        self.finish_reason: FinishReason | None = None

    def read(self, outputs: Sequence[Output]) -> Piece:
        """What the outputs add to the choice; an empty text when there is nothing to give out yet."""
        text = "".join(self._take(output) for output in _joined(outputs) if self.finish_reason is None)
        piece = Piece(text, self._logprobs_of(text), self.finish_reason)
        self._pieces.append(piece)
        return piece

    def choice(self) -> Choice:
        """The whole choice, once it has ended."""
        assert self.finish_reason is not None
        text = "".join(piece.text for piece in self._pieces)
        logprobs = tuple(token for piece in self._pieces for token in piece.logprobs or ())
        wanted = logprobs if self._wants_logprobs else None
        return Choice(text, self._seed, self.finish_reason, self.tokens, wanted)

    def _take(self, output: Output) -> str:
        self._waiting += _tokens(self._vocabulary, self._prompt, output.prompt_logprobs)
        self._waiting += _tokens(self._vocabulary, output.ids, output.logprobs)
        prompt, self._echo = self._echo, ""
        return prompt + self._passed(output.ids, output.done)

    def _passed(self, ids: Ids, done: bool) -> str:
        """What of the new tokens can be given out, and whether the choice ends with them."""
        if self._matcher is None:
            self.tokens += ids.size
            self.finish_reason = "length" if done else None
            return self._vocabulary.decode(ids)
        text = ""
        for token in self._vocabulary.tokens_of(ids):
            text += self._matcher.feed(token)
            self.tokens += 1
            if self._matcher.stopped:
                self.finish_reason = "stop"
                return text
        self.finish_reason = "length" if done else None
        return text + (self._matcher.flush() if done else "")

    def _logprobs_of(self, text: str) -> tuple[TokenLogprobs, ...] | None:
        """Those of the tokens that the text begins; those of tokens held back wait."""
        if not self._wants_logprobs:
            return None
        count, length = 0, len(text) - self._ahead
        while length > 0 and count < len(self._waiting):
            length -= len(self._waiting[count].token)
            count += 1
        self._ahead = -length
        given, self._waiting = self._waiting[:count], self._waiting[count:]
        return tuple(given)


def _joined(outputs: Sequence[Output]) -> Sequence[Output]:
    """The same in one output where ids are all there is. A reader that comes late finds thousands of a few ids each,
    and would fall back further by reading one at a time."""
    if len(outputs) < 2 or any(output.logprobs or output.prompt_logprobs for output in outputs):
        return outputs
    last = outputs[-1]
    return [Output(last.handle, np.concatenate([output.ids for output in outputs]), last.done)]


def _tokens(vocabulary: Vocabulary, ids: Ids, logprobs: Logprobs | None) -> list[TokenLogprobs]:
    if logprobs is None:
        return []
    return [_token(vocabulary, token, logprobs, at) for at, token in enumerate(vocabulary.tokens_of(ids))]


def _token(vocabulary: Vocabulary, token: str, logprobs: Logprobs, at: int) -> TokenLogprobs:
    chosen = float(logprobs.chosen[at])
    if np.isnan(chosen):
        return TokenLogprobs(token, None)
    top_ids = logprobs.top_ids[at]
    likeliest = zip(top_ids.tolist(), vocabulary.tokens_of(top_ids), logprobs.top[at].tolist(), strict=True)
    return TokenLogprobs(token, chosen, tuple((t, p) for i, t, p in likeliest if i != vocabulary.unknown_id))
