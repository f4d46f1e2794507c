"""One choice while it is generated: its sequence, the builder of its text and, at the end, from where it can go on."""

from __future__ import annotations

import threading
from dataclasses import replace

from charrnn.engine.base import Engine, Sequence, State
from charrnn.engine.state_bytes import packed
from charrnn.stopping import NOTHING_PENDING
from service.generation.admission import Admitted
from service.generation.choice_builder import ChoiceBuilder
from service.generation.continuations.continuation import Continuation
from service.generation.continuations.rewinding import state_after
from service.generation.pieces import Piece
from service.generation.requests import Choice
from service.generation.scheduling.scheduled import ScheduledSequence


class ChoiceRun:
    """The choice of an admitted request with this seed. Its `engine` generates what is `scheduled`, unless it `is_over`
    before its first token; `wake` and `stream` are as for ScheduledSequence."""

    def __init__(self, admitted: Admitted, seed: int, wake: threading.Event, *, stream: bool) -> None:
        request = admitted.request
        self._admitted = admitted
        self._sampling = replace(request.sampling, seed=seed)
        self._continuation: Continuation | None = None
        self._builder = ChoiceBuilder(admitted.model.vocabulary, admitted.prompt, request, seed)
        self.scheduled = ScheduledSequence(
            self._sequence(),
            self._builder.add,
            wake,
            stream=stream,
            keeps_end=request.with_continuation,
            keeps_checkpoints=request.with_continuation and bool(request.stop),
        )
        if self.is_over:
            self.scheduled.finish()

    @property
    def engine(self) -> Engine:
        """The version's."""
        return self._admitted.model.engine

    @property
    def is_over(self) -> bool:
        """Whether the choice ends before its first token."""
        return self._builder.is_over

    @property
    def tokens(self) -> int:
        """Tokens taken so far, including those of stop texts."""
        return self._builder.tokens

    @property
    def has_ended(self) -> bool:
        """Whether the end of the choice was taken."""
        return self._builder.finish_reason is not None

    @property
    def has_unread_end(self) -> bool:
        """Whether the sequence has ended but its end was not taken yet: it no longer sets `wake`."""
        return self.scheduled.done and not self.has_ended

    def take(self) -> Piece:
        """What is new, with the continuation at the end if it is wanted. Called until the choice has ended."""
        piece = self._builder.take()
        if piece.finish_reason is None or not self._admitted.request.with_continuation:
            return piece
        self._continuation = self._continuation_in(self._state_at_end())
        return replace(piece, continuation=self._continuation)

    def raise_failure(self, error: BaseException | None) -> None:
        """Raise the error of the sequence, which was read before the last `take`, unless the choice has ended."""
        if error is not None and not self.has_ended:
            raise error

    def choice(self) -> Choice:
        """The whole choice, once it has ended."""
        choice = self._builder.choice()
        return choice if self._continuation is None else replace(choice, continuation=self._continuation)

    def cut_off(self) -> Continuation | None:
        """From where the choice can go on, if it was given up after its first token; it begins with what was taken."""
        end = self.scheduled.end
        return None if end is None or self.has_ended else self._continuation_in(end.state)

    def _sequence(self) -> Sequence:
        """The engine's sequence; what is read before the prompt, a start or a label, is not part of the text."""
        admitted, request, prompt = self._admitted, self._admitted.request, self._admitted.prompt
        model = admitted.model
        begins = admitted.state is None
        ids = model.arrangement.read(prompt, model.vocabulary, request.label) if begins else prompt
        score = request.echo and request.sampling.logprobs is not None and prompt.size > 0
        end_id = model.vocabulary.end_id
        return Sequence(ids, request.length, self._sampling, state=admitted.state, score=score, end_id=end_id)

    def _state_at_end(self) -> State:
        if self.is_over and self._admitted.state is not None:
            return self._admitted.state
        scheduled, tokens = self.scheduled, self.tokens
        if scheduled.end is not None and scheduled.end.tokens == tokens:
            return scheduled.end.state
        return state_after(self.engine, scheduled.sequence, tokens, scheduled.checkpoint)

    def _continuation_in(self, state: State) -> Continuation:
        model, request, builder = self._admitted.model, self._admitted.request, self._builder
        ended = builder.finish_reason == "end"
        return Continuation(
            name=model.name,
            version=model.version,
            digest=model.digest,
            precision=self.engine.precision,
            state=packed(state),
            sampling=replace(self._sampling, logprobs=None),
            stop=request.stop,
            include_stop=request.include_stop,
            min_tokens=max(0, request.min_tokens - self.tokens),
            pending=NOTHING_PENDING if ended else builder.pending,
            ended=ended,
        )
