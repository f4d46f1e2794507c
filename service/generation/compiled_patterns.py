"""Patterns compiled for the vocabularies of models, and kept for later requests; knows no HTTP."""

from __future__ import annotations

import hashlib
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from charrnn.patterns.automaton import Automaton
from charrnn.patterns.compiling import Compiled, Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from service.generation.cancellation import POLL_SECONDS, CancelScope
from service.generation.errors import BusyError
from service.generation.observer import NO_OBSERVER, GenerationObserver, PatternLookup
from service.generation.resident import ResidentModel
from service.generation.single_flight import SingleFlight

MOST_BYTES: Final = 1 << 27
AT_ONCE: Final = 16
"""How many requests may compile or wait for their turn. One compiles at a time: what several need would add up."""
MOST_REFUSED: Final = 1024
"""How many refusals are remembered: a pattern that is too large takes as long to refuse as the largest to compile."""

Compile = Callable[..., Compiled]
"""As `compile_pattern`."""

_ENTRY_BYTES: Final = 1024
"""About what a pattern takes besides its automaton's arrays."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pattern, without any of the `stop` texts and of nothing but the `allowed` ids (None: of all)."""

    pattern: Pattern
    stop: tuple[str, ...] = ()
    allowed: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class CompiledPattern:
    """A pattern's automaton, the CRC-32 of its arrays, and the characters that it does without because the model does
    not know them."""

    automaton: Automaton
    check: int
    skipped: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """About what it takes."""
        return self.automaton.nbytes + _ENTRY_BYTES


class CompiledPatterns:
    """Has each pattern compiled once, by `compile`, which one thread calls at a time; no request waits for that thread
    longer than its time. Those used last are kept; these and those in use take at most `most_bytes` together, unless
    one alone takes more."""

    def __init__(
        self,
        most_bytes: int = MOST_BYTES,
        observer: GenerationObserver = NO_OBSERVER,
        compile: Compile = compile_pattern,
    ) -> None:
        self._most_bytes = most_bytes
        self._observer = observer
        self._compile = compile
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, CompiledPattern] = OrderedDict()
        self._kept_bytes = 0
        self._lent: WeakValueDictionary[bytes, CompiledPattern] = WeakValueDictionary()
        """Those that are not kept any more, but in use."""
        self._refused: OrderedDict[bytes, PatternError] = OrderedDict()
        self._flight: SingleFlight[bytes, CompiledPattern | PatternError] = SingleFlight()
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._compiling = ThreadPoolExecutor(1, "patterns")

    @property
    def nbytes(self) -> int:
        """About what is kept or in use takes."""
        return self._kept_bytes + sum(each.nbytes for each in list(self._lent.values()))

    def get(self, wanted: Wanted, model: ResidentModel, scope: CancelScope) -> CompiledPattern:
        """The pattern over the model's vocabulary. Raises PatternError, BusyError, and what `scope.wait` raises."""
        key = _key(wanted, model)
        result: PatternLookup = "hit"
        if (found := self._find(key)) is None:
            made = self._flight.once([key], lambda _: [self._waited_for(key, wanted, model, scope)], scope)
            found, joined = made[key]
            result = "joined" if joined else "miss"
        self._observer.pattern_looked_up(result)
        if isinstance(found, PatternError):
            raise found.with_traceback(None)
        return found

    def _find(self, key: bytes) -> CompiledPattern | PatternError | None:
        with self._lock:
            found = self._kept.get(key) or self._lent.get(key)
            if found is None:
                return self._refused.get(key)
            self._keep(key, found)
            return found

    def _waited_for(
        self, key: bytes, wanted: Wanted, model: ResidentModel, scope: CancelScope
    ) -> CompiledPattern | PatternError:
        """Have it compiled, and wait for that. One that is given up is compiled all the same if that has begun, and is
        kept. Raises BusyError, and what the scope raises."""
        if not self._places.acquire(blocking=False):
            raise BusyError(AT_ONCE, of="patterns are being compiled already")
        made: Future[CompiledPattern | PatternError] = self._compiling.submit(self._made, key, wanted, model)
        made.add_done_callback(lambda _: self._places.release())
        try:
            while not wait([made], POLL_SECONDS).done:
                scope.check()
        except BaseException:
            made.cancel()
            raise
        return made.result()

    def _made(self, key: bytes, wanted: Wanted, model: ResidentModel) -> CompiledPattern | PatternError:
        """Compile it, unless that was done since it was looked for."""
        if (found := self._find(key)) is not None:
            return found
        began = time.perf_counter()
        made = self._compiled(wanted, model)
        self._observer.pattern_compiled(time.perf_counter() - began)
        with self._lock:
            if isinstance(made, PatternError):
                self._refused[key] = made
                while len(self._refused) > MOST_REFUSED:
                    self._refused.popitem(last=False)
            else:
                self._make_room(made.nbytes)
                self._keep(key, made)
        return made

    def _compiled(self, wanted: Wanted, model: ResidentModel) -> CompiledPattern | PatternError:
        vocabulary, outputs = model.vocabulary, model.config.outputs
        try:
            made = self._compile(wanted.pattern, vocabulary, outputs, stop=wanted.stop, allowed=wanted.allowed)
        except PatternError as error:
            return error
        return CompiledPattern(made.automaton, _check(made.automaton), made.skipped)

    def _keep(self, key: bytes, used: CompiledPattern) -> None:
        if key not in self._kept:
            self._kept_bytes += used.nbytes
            self._lent.pop(key, None)
        self._kept[key] = used
        self._kept.move_to_end(key)

    def _make_room(self, size: int) -> None:
        """Forget those that were not used for longest. Raises BusyError if those in use leave no room."""
        while self._kept and self.nbytes + size > self._most_bytes:
            key, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.nbytes
            self._lent[key] = oldest
            del oldest  # unless it is in use, it is gone now
        if (taken := self.nbytes) and taken + size > self._most_bytes:
            raise BusyError(self._most_bytes, of="bytes are not enough for the patterns in use (PATTERN_CACHE_BYTES)")


def _key(wanted: Wanted, model: ResidentModel) -> bytes:
    asked = repr((wanted, model.vocabulary.digest, model.config.outputs))
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).digest()


def _check(automaton: Automaton) -> int:
    check = 0
    for array in (automaton.following, automaton.classes, automaton.distances):
        check = zlib.crc32(array.tobytes(), check)
    return check
