"""Continuation: all that is needed to go on with a text where it ended; knows nothing of tokens and keys."""

from __future__ import annotations

from dataclasses import dataclass

from charrnn.config import ModelConfig
from charrnn.engine.base import State
from charrnn.engine.state_bytes import unpacked
from charrnn.engine.steering import Held, check_held
from charrnn.patterns.compiling import Pattern
from charrnn.sampling import SamplingParams
from charrnn.stopping import NOTHING_PENDING, Pending
from service.generation.errors import ClosedError, InvalidContinuationError


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a pattern a text has ended: the `state` of its automaton, of whose arrays `check` is the CRC-32. Another
    automaton has other states: that of the same pattern with other stop texts, or that of another release."""

    state: int
    check: int


@dataclass(frozen=True, slots=True)
class Continuation:
    """The end of a text by a version of `name`, from which it, and others, can go on.

    What is not given anew stays: `sampling` with its seed, but without log-probabilities; `stop`, `include_stop` and
    `min_tokens`, of which so many are left; which cells are `held`; and the `pattern`, in which the text goes on from
    its `place`.
    """

    name: str
    version: int
    digest: str
    """The version's."""
    precision: str
    """The engine's: in other numbers the text would go on otherwise."""
    state: bytes
    """The state after the last token, as charrnn.engine.state_bytes packs it."""
    sampling: SamplingParams
    stop: tuple[str, ...] = ()
    include_stop: bool = False
    min_tokens: int = 0
    held: tuple[Held, ...] = ()
    pending: Pending = NOTHING_PENDING
    """What has not been passed on, or may be the beginning of a stop text."""
    pattern: Pattern | None = None
    place: Place | None = None
    ended: bool = False
    """Whether it is a record that has ended: nothing can follow."""

    @property
    def reference(self) -> str:
        """The version that goes on."""
        return f"{self.name}@{self.version}"

    def state_for(self, digest: str, precision: str, config: ModelConfig) -> State:
        """The state, for the version with this digest and config in an engine of this precision. Raises
        InvalidContinuationError if it is of another."""
        if digest != self.digest:
            raise InvalidContinuationError(f"{self.name} version {self.version} has other weights than it had")
        if precision != self.precision:
            raise InvalidContinuationError(
                f"{self.name} version {self.version} generates in {precision} now, and the state is in {self.precision}"
            )
        try:
            check_held(self.held, config)
            return unpacked(self.state, config)
        except ValueError as error:
            raise InvalidContinuationError(str(error)) from error


class CutOffError(ClosedError):
    """The process is shutting down, and a stream ends in the middle. `continuations`: from where each of its choices
    goes on after what was passed on; None for one that has ended, or had no token yet."""

    def __init__(self, message: str, continuations: tuple[Continuation | None, ...]) -> None:
        super().__init__(message)
        self.continuations = continuations
