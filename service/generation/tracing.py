"""What a version's cells do along a text, what each token cost and what was expected; draws nothing, knows no HTTP."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.tracing import Trace, pieces
from charrnn.vocabulary import Ids
from service.generation.cancellation import NO_CLIENT, POLL_SECONDS, CancelScope, Client
from service.generation.errors import BusyError
from service.generation.observer import NO_OBSERVER, GenerationObserver
from service.generation.requests import Choice, Generation, GenerationRequest, Skipped
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.tokenization import read
from service.generation.units import UnitId, UnitSelection, UnitSelectionError, indices, select

AT_ONCE: Final = 4
"""Traces that a process has under way. One is at work at a time: the rest of the processor is for generating."""
TOP: Final = 5
MAX_VALUES: Final = 1 << 22
"""Of all cells together, in one reply: about 30 MB of JSON."""

Likeliest = tuple[tuple[str, float], ...]


class NothingToTraceError(ValueError):
    """The text has no token that the model knows."""


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """A text to be read by `model` (`name`, `name@3` or `name@alias`), and the cells to be watched."""

    model: str
    text: str
    cells: tuple[UnitSelection, ...] = ()
    skip_unknown: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class TextTrace:
    """What happened while a version read n tokens.

    `surprisal` is what each token cost, in bits; None for a text's first, which follows nothing. `top` has the ones
    likeliest to follow each token with their probabilities, best first. `values` [cells, n] float32 are the states of
    the `cells` after reading each token. `skipped` lists what the version does not know, as (position, character).
    """

    model: str
    version: int
    tokens: Sequence[str]
    surprisal: tuple[float | None, ...]
    top: tuple[Likeliest, ...]
    cells: tuple[UnitId, ...]
    values: npt.NDArray[np.float32]
    skipped: Skipped = ()


class Tracer:
    """Traces texts in the threads of those who ask, `at_once` of them, which take turns; more are refused.

    A text is read in pieces: between them it is asked whether anybody still wants the result. `count` is told how many
    tokens were read. Raises UnitSelectionError, NothingToTraceError, and what TextGenerator raises.
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
        """Raises UnknownUnitError when the model has no such cells; `field` is how the request calls them."""
        select(self._models.get(model).config, cells, field)

    def trace(self, request: TraceRequest, client: Client = NO_CLIENT) -> TextTrace:
        """The trace of a text, read from the empty state."""
        model = self._models.get(request.model)
        cells = select(model.config, request.cells)
        ids, skipped = read(model, request.text, request.skip_unknown)
        if not ids.size:
            raise NothingToTraceError("text must have at least 1 token that the model knows, not 0")
        _check_size(len(cells), ids.size, "cells")
        with self._place():
            trace = self._trace(model, ids, cells, CancelScope(client, self._timeout))
        return replace(trace, skipped=skipped)

    def trace_choices(
        self,
        request: GenerationRequest,
        generation: Generation,
        wanted: Sequence[UnitSelection],
        client: Client = NO_CLIENT,
    ) -> list[TextTrace]:
        """The traces of generated texts, without their prompt, which is read before each of them. The request must be
        as `traceable` makes it."""
        model = self._models.get(f"{generation.model}@{generation.version}")
        cells = select(model.config, wanted, "trace.cells")
        prompt, _ = read(model, request.prompt, request.skip_unknown)
        before = prompt if prompt.size else np.array([model.vocabulary.start_id], dtype=np.int32)
        echoed = prompt.size if request.echo else 0
        texts = [_ids(choice)[echoed:] for choice in generation.choices]
        _check_size(len(cells), sum(map(len, texts)), "trace.cells")
        scope = CancelScope(client, min(filter(None, (request.timeout, self._timeout)), default=None))
        with self._place():
            return [self._trace(model, np.append(before, ids), cells, scope, before.size) for ids in texts]

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(self._at_once, of="traces are running already")
        try:
            yield
        finally:
            self._places.release()

    def _trace(
        self, model: ResidentModel, ids: Ids, cells: list[UnitId], scope: CancelScope, first: int = 0
    ) -> TextTrace:
        """The trace of the ids from number `first` on; those before it are read only."""
        reading = _Reading(model, cells)
        found = pieces(model.engine, ids, reading.top)
        while (piece := self._next(found, scope)) is not None:
            reading.take(piece, first)
            first = max(0, first - len(piece.logprobs))
            self._observer.traced(len(piece.logprobs))
        return reading.result(ids)

    def _next(self, found: Iterator[Trace], scope: CancelScope) -> Trace | None:
        """The next piece, when it is this trace's turn. Raises what `scope` raises."""
        scope.check()
        while not self._turn.acquire(timeout=POLL_SECONDS):
            scope.check()
        try:
            return next(found, None)
        finally:
            self._turn.release()


class _Reading:
    """What is kept of the pieces of a trace."""

    def __init__(self, model: ResidentModel, cells: list[UnitId]) -> None:
        self._model, self._cells = model, cells
        self._indices = indices(cells)
        self._surprisal: list[float | None] = []
        self._top: list[Likeliest] = []
        self._values: list[npt.NDArray[np.float32]] = []
        # One more where there is a token that is never generated and therefore not told.
        self.top = TOP + (model.vocabulary.unknown_id is not None)

    def take(self, piece: Trace, first: int) -> None:
        """Keep what is asked for, from number `first` of the piece on."""
        layers, parts, units = self._indices
        self._values.append(piece.states[first:, layers, parts, units])
        self._surprisal += map(_bits, piece.logprobs[first:].tolist())
        ids, probabilities = piece.top_ids[first:].tolist(), np.exp(piece.top[first:].astype(np.float64)).tolist()
        self._top += map(self._likeliest, ids, probabilities)

    def result(self, ids: Ids) -> TextTrace:
        """The trace of the last ids, as many as were kept."""
        model, n = self._model, len(self._surprisal)
        return TextTrace(
            model.name,
            model.version,
            model.vocabulary.tokens_of(ids[len(ids) - n :]),
            tuple(self._surprisal),
            tuple(self._top),
            tuple(self._cells),
            np.ascontiguousarray(np.concatenate(self._values).T),
        )

    def _likeliest(self, ids: list[int], probabilities: list[float]) -> Likeliest:
        vocabulary = self._model.vocabulary
        told = zip(vocabulary.tokens_of(ids), ids, probabilities, strict=True)
        return tuple((token, p) for token, id_, p in told if id_ != vocabulary.unknown_id)[:TOP]


def _check_size(cells: int, tokens: int, field: str) -> None:
    if (size := cells * tokens) > MAX_VALUES:
        raise UnitSelectionError(field, f"times tokens must be at most {MAX_VALUES} values, not {size}")


def traceable(request: GenerationRequest) -> GenerationRequest:
    """The request for a text that can be traced: its tokens are told, since a text of words does not say where each one
    ends."""
    if request.sampling.logprobs is not None:
        return request
    return replace(request, sampling=replace(request.sampling, logprobs=0))


def _ids(choice: Choice) -> Ids:
    assert choice.logprobs is not None, "the request was not made traceable"
    return choice.logprobs.ids


def _bits(logprob: float) -> float | None:
    """Natural logarithm to surprisal; 0.0 and not -0.0 for what was certain."""
    return None if math.isnan(logprob) else -logprob / math.log(2) + 0.0
