"""One choice while it is generated: its sequence, the builder of its text and, at the end, from where it can go on."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final

import numpy as np

from charrnn.engine.base import Engine, Output, Sequence
from charrnn.engine.state_bytes import packed
from charrnn.sampling import SamplingParams
from charrnn.stopping import NOTHING_PENDING
from service.generation.admission import Admitted
from service.generation.cached_choice import Beginning, CachedChoice, Recording
from service.generation.choice_builder import ChoiceBuilder
from service.generation.continuations.continuation import Continuation, Place
from service.generation.continuations.rewinding import state_after
from service.generation.continuations.tokens import holds
from service.generation.pieces import Piece
from service.generation.requests import Choice
from service.generation.scheduling.scheduled import ScheduledSequence

_NO_IDS: Final = np.zeros(0, dtype=np.int32)


class ChoiceRun:
    """The choice of an admitted request with this seed, which has a `beginning` if something of it is cached. Its
    `engine` generates what is `scheduled`; `wake` and `stream` are as for ScheduledSequence."""

    def __init__(
        self, admitted: Admitted, seed: int, beginning: Beginning | None, wake: threading.Event, *, stream: bool
    ) -> None:
        request = admitted.request
        self._admitted = admitted
        self._seed = seed
        self._beginning = beginning
        self._continuation: Continuation | None = None
        self._builder = ChoiceBuilder(admitted.model.vocabulary, admitted.prompt, request, seed)
        self._recording: Recording | None = None
        self.cached_tokens = 0 if beginning is None else beginning.choice.ids.size
        """The first tokens, which come from the cache."""
        self.scheduled: ScheduledSequence | None = None
        """None if nothing of the choice is to be generated."""
        is_over = self._builder.is_over
        if beginning is not None and not is_over:
            is_over = self._builder.add(beginning.output(admitted.model.vocabulary.end_id))
        if not is_over:
            self._recording = Recording(beginning) if request.write_cache else None
            self.scheduled = self._scheduled(wake, stream=stream)

    @property
    def engine(self) -> Engine:
        """The version's."""
        return self._admitted.model.engine

    @property
    def tokens(self) -> int:
        """Tokens taken so far, including cached ones and those of stop texts."""
        return self._builder.tokens

    @property
    def has_ended(self) -> bool:
        """Whether the end of the choice was taken."""
        return self._builder.finish_reason is not None

    @property
    def has_unread_end(self) -> bool:
        """Whether the sequence has ended but its end was not taken yet: it no longer sets `wake`."""
        return not self.has_ended and (self.scheduled is None or self.scheduled.done)

    @property
    def error(self) -> BaseException | None:
        """Of the sequence."""
        return None if self.scheduled is None else self.scheduled.error

    def take(self) -> Piece:
        """What is new, with the continuation at the end if it is wanted. Called until the choice has ended."""
        piece = self._builder.take()
        if piece.finish_reason is None or not self._admitted.request.with_continuation:
            return piece
        self._continuation = self._continuation_in(self._known_state() or self._state_again())
        return replace(piece, continuation=self._continuation)

    def raise_failure(self, error: BaseException | None) -> None:
        """Raise the error of the sequence, which was read before the last `take`, unless the choice has ended."""
        if error is not None and not self.has_ended:
            raise error

    def choice(self) -> Choice:
        """The whole choice, once it has ended."""
        choice = self._builder.choice()
        return choice if self._continuation is None else replace(choice, continuation=self._continuation)

    def for_cache(self) -> CachedChoice | None:
        """The whole choice, once it has ended, for the cache; None if it is too large, or not to be cached."""
        if self._beginning is not None and self._beginning.is_whole:
            return self._beginning.choice
        if self._recording is None:
            return None
        state = self._known_state() if self._continuation is None else self._continuation.state
        final = self._builder.finish_reason != "length"
        return self._recording.choice(self._seed, self.tokens, state, final=final)

    def cut_off(self) -> Continuation | None:
        """From where the choice can go on, if it was given up after its first token and a token can hold its pattern;
        it begins with what was taken."""
        end = None if self.scheduled is None else self.scheduled.end
        beginning = self._beginning
        cached = None if beginning is None else beginning.choice.state
        state = cached if end is None else packed(end.state)
        if state is None or self.has_ended or not holds(self._admitted.request.pattern):
            return None
        return self._continuation_in(state)

    def _scheduled(self, wake: threading.Event, *, stream: bool) -> ScheduledSequence:
        request = self._admitted.request
        if stream and self.cached_tokens:
            wake.set()  # the cached part need not wait for the first new token
        return ScheduledSequence(
            self._sequence(),
            self._receive,
            wake,
            stream=stream,
            keeps_end=request.with_continuation or request.write_cache,
            keeps_checkpoints=request.with_continuation and bool(request.searched_stop),
        )

    def _receive(self, output: Output) -> bool:
        if self._recording is not None:
            self._recording.add(output)
        return self._builder.add(output)

    def _sequence(self) -> Sequence:
        """The engine's sequence; what is read before the prompt, a start or a label, is not part of the text."""
        admitted, request, prefix = self._admitted, self._admitted.request, self._admitted.prefix
        beginning, end_id = self._beginning, admitted.model.vocabulary.end_id
        if beginning is not None and beginning.state is not None:
            assert admitted.fitting is None, "what fits a pattern is cached whole or not at all"
            left = request.length - self.cached_tokens
            return Sequence(_NO_IDS, left, self._sampling(), beginning.state, end_id=end_id, held=request.held)
        state, ids = (admitted.state, admitted.ids) if prefix is None else (prefix.state, admitted.ids[prefix.length :])
        score, fit = admitted.scores_prompt, None if admitted.fitting is None else admitted.fitting.fit
        return Sequence(ids, request.length, self._sampling(), state, score, end_id, request.held, fit=fit)

    def _known_state(self) -> bytes | None:
        """The state at the end of the choice, unless it ended in the middle of a call of steps."""
        scheduled, beginning, start = self.scheduled, self._beginning, self._admitted.request.start
        if beginning is not None and beginning.is_whole:
            return beginning.choice.state
        if scheduled is None:
            return None if start is None else start.state
        if scheduled.end is not None and scheduled.end.tokens == self.tokens - self.cached_tokens:
            return packed(scheduled.end.state)
        return None

    def _state_again(self) -> bytes:
        tokens, scheduled = self.tokens - self.cached_tokens, self.scheduled
        assert scheduled is not None
        return packed(state_after(self.engine, scheduled.sequence, tokens, scheduled.checkpoint))

    def _sampling(self) -> SamplingParams:
        return replace(self._admitted.request.sampling, seed=self._seed)

    def _continuation_in(self, state: bytes) -> Continuation:
        model, request, builder = self._admitted.model, self._admitted.request, self._builder
        ended = builder.finish_reason == "end"
        return Continuation(
            name=model.name,
            version=model.version,
            digest=model.digest,
            precision=self.engine.precision,
            state=state,
            sampling=replace(self._sampling(), logprobs=None),
            stop=request.stop,
            include_stop=request.include_stop,
            min_tokens=max(0, request.min_tokens - self.tokens),
            held=request.held,
            pattern=request.pattern,
            place=self._place(),
            pending=NOTHING_PENDING if ended else builder.pending,
            ended=ended,
        )

    def _place(self) -> Place | None:
        """Where in the pattern the choice has come to."""
        fitting = self._admitted.fitting
        return None if fitting is None else fitting.place_after(self._builder.fitting_ids)
