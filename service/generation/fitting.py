"""What the texts of a request have to fit, and where in the pattern they begin; what could not be whole is refused
before anything is generated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from charrnn.patterns.automaton import Fit
from charrnn.patterns.examples import shortest
from charrnn.vocabulary import Vocabulary
from service.generation.compiled_patterns import CompiledPattern
from service.generation.continuations.continuation import Place
from service.generation.errors import InvalidContinuationError, LengthTooShortError


@dataclass(frozen=True, eq=False, slots=True)
class Fitting:
    """A compiled pattern, and the state of its automaton in which texts begin."""

    compiled: CompiledPattern
    state: int = 0

    @property
    def fit(self) -> Fit:
        """The same for an engine."""
        return Fit(self.compiled.automaton, self.state)

    @property
    def skipped(self) -> tuple[str, ...]:
        """The characters of the pattern that the model does not know."""
        return self.compiled.skipped

    def takes(self, ids: Sequence[int]) -> bool:
        """Whether a text with these ids fits."""
        try:
            return self.compiled.automaton.may_end(self.place_after(ids).state)
        except (ValueError, IndexError):  # an id that the pattern does not take, or that cannot be chosen
            return False

    def place_after(self, ids: Iterable[int]) -> Place:
        """Where a text with these ids has come to."""
        return Place(self.compiled.automaton.after(self.state, ids), self.compiled.check)


def fitting(compiled: CompiledPattern, vocabulary: Vocabulary, length: int, place: Place | None = None) -> Fitting:
    """What texts of at most `length` tokens have to fit that begin at the pattern's beginning, or go on from the place.
    Raises LengthTooShortError, InvalidContinuationError."""
    found = Fitting(compiled, 0 if place is None else _state_at(place, compiled))
    if (distance := found.fit.distance) > length:
        example = vocabulary.decode(shortest(compiled.automaton, found.state))
        raise LengthTooShortError(length, distance, example, compiled.skipped)
    return found


def _state_at(place: Place, compiled: CompiledPattern) -> int:
    """The state that the place names. Raises InvalidContinuationError if it is one of another automaton."""
    if place.check != compiled.check or place.state >= len(compiled.automaton):
        raise InvalidContinuationError(
            "it says how far the text has come in its pattern, which is another one with this stop or these"
            " allowed_token_ids, or in this release of the service: give a pattern anew, and it begins at its start"
        )
    return place.state
