"""Tracing a text through a version: the states of its units after each token; draws nothing, knows no HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from charrnn.engine.steering import Held
from charrnn.engine.tracing import Trace, pieces
from charrnn.tasks.arrangement import Reading
from charrnn.vocabulary import Ids
from service.generation.cancellation import NO_CLIENT, POLL_SECONDS, CancelScope, Client
from service.generation.errors import BusyError
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.requests import Choice, Generation, GenerationRequest
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.tokenization import read
from service.generation.units.selection import UnitId, UnitSelection, UnitSelectionError, select
from service.generation.units.text_trace import TextTrace, TraceBuilder

AT_ONCE: Final = 4
"""How many traces a process accepts at once. They take turns, one piece at a time, so that other cores can generate."""
MAX_VALUES: Final = 1 << 22
"""The maximum number of values of all cells together in a reply: about 30 MB of JSON."""


class NothingToTraceError(ValueError):
    """The text has no token that the model knows."""


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """A text to be read by `model` (`name`, `name@3` or `name@alias`), and the units whose states are to be
    returned."""

    model: str
    text: str
    cells: tuple[UnitSelection, ...] = ()
    skip_unknown: bool = False


class Tracer:
    """Traces texts in the threads of their requests, `at_once` of them, which take turns; more are refused.

    A text is read in pieces, and between two of them the request can be cancelled. Raises UnitSelectionError,
    NothingToTraceError, and what TextGenerator raises.
    """

    def __init__(
        self,
        models: ResidentModels,
        timeout: float | None = None,
        at_once: int = AT_ONCE,
        observer: GenerationObserver = NO_OBSERVER,
    ) -> None:
        self._models = models
        self._timeout = timeout
        self._at_once = at_once
        self._places = threading.BoundedSemaphore(at_once)
        self._turn = threading.Lock()
        self._observer = observer

    def check(self, model: str, cells: Sequence[UnitSelection], field: str = "cells") -> None:
        """Raises UnknownUnitError if the model has no such units; `field` is the request's name for them."""
        select(self._models.get(model).config, cells, field)

    def separator(self, model: str) -> str:
        """What stands between the model's records; empty for an endless text."""
        return self._models.get(model).arrangement.separator

    def trace(self, request: TraceRequest, client: Client = NO_CLIENT) -> TextTrace:
        """The trace of a text, read from the initial state."""
        model = self._models.get(request.model)
        units = select(model.config, request.cells)
        ids, skipped = read(model, request.text, request.skip_unknown)
        if not ids.size:
            raise NothingToTraceError("text must have at least 1 token that the model knows, not 0")
        _check_size(len(units), ids.size, "cells")
        reading = model.arrangement.reading(ids, model.vocabulary)
        with self._place():
            trace = self._trace(model, reading, units, CancelScope(client, self._timeout))
        return replace(trace, skipped=skipped)

    def trace_choices(
        self,
        request: GenerationRequest,
        generation: Generation,
        wanted: Sequence[UnitSelection],
        client: Client = NO_CLIENT,
    ) -> list[TextTrace]:
        """The traces of generated texts, without their prompt, which is read before each of them. Cells that the
        request held have the values that they were held at. The request must come from `traceable`."""
        model = self._models.get(f"{generation.model}@{generation.version}")
        units = select(model.config, wanted, "trace.cells")
        prompt, _ = read(model, request.prompt, request.skip_unknown)
        before = model.arrangement.read(prompt, model.vocabulary, request.label)
        echoed = prompt.size if request.echo else 0
        texts = [_ids(choice)[echoed:] for choice in generation.choices]
        _check_size(len(units), sum(map(len, texts)), "trace.cells")
        scope = CancelScope(client, request.timeout, self._timeout)
        with self._place():
            readings = [Reading(np.append(before, ids), before.size, ids.size) for ids in texts]
            return [self._trace(model, reading, units, scope, request.held) for reading in readings]

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(self._at_once, of="traces are running already")
        try:
            yield
        finally:
            self._places.release()

    def _trace(
        self,
        model: ResidentModel,
        reading: Reading,
        units: list[UnitId],
        scope: CancelScope,
        held: tuple[Held, ...] = (),
    ) -> TextTrace:
        """The trace of the text's tokens, during which cells are held; what else is read is left out."""
        builder = TraceBuilder(model, units)
        found = pieces(model.engine, reading.ids, builder.top, held=held, steered=reading.ids.size - reading.first)
        while (piece := self._next(found, scope)) is not None:
            builder.take(piece)
            self._observer.traced(len(piece.logprobs))
        return builder.result(reading)

    def _next(self, found: Iterator[Trace], scope: CancelScope) -> Trace | None:
        """The next piece, computed when it is this trace's turn. Raises what the scope raises."""
        scope.check()
        while not self._turn.acquire(timeout=POLL_SECONDS):
            scope.check()
        try:
            return next(found, None)
        finally:
            self._turn.release()


def _check_size(units: int, tokens: int, field: str) -> None:
    if (size := units * tokens) > MAX_VALUES:
        raise UnitSelectionError(field, f"times tokens must be at most {MAX_VALUES} values, not {size}")


def traceable(request: GenerationRequest) -> GenerationRequest:
    """The request, changed so that its text can be traced: it requests log-probabilities, which include token ids,
    because a word-level text alone does not show where each token ends."""
    if request.sampling.logprobs is not None:
        return request
    return replace(request, sampling=replace(request.sampling, logprobs=0))


def _ids(choice: Choice) -> Ids:
    assert choice.logprobs is not None, "the request was not made traceable"
    return choice.logprobs.ids
