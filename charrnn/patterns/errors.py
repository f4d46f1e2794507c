"""What can be wrong with a pattern."""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from typing import Any, Literal

SHOWN = 20


class PatternError(ValueError):
    """A pattern cannot be used; the message says why."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it is, though it was not made from its message."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InvalidPatternError(PatternError):
    """A pattern does not parse. `place` says where in words; `position` is the character of the pattern's source at
    which it was noticed, counted from 0, None where that says nothing."""

    def __init__(self, reason: str, place: str = "", position: int | None = None) -> None:
        self.reason, self.place, self.position = reason, place, position
        super().__init__(f"{reason} {place}".rstrip())


class UnsupportedPatternError(PatternError):
    """A pattern uses what is not supported: `feature`, which the message names; `place` and `position` as above."""

    def __init__(self, feature: str, place: str = "", position: int | None = None) -> None:
        self.feature, self.place, self.position = feature, place, position
        super().__init__(f"{feature} {place}".rstrip() + " is not supported")


class EmptyPatternError(PatternError):
    """No text at all fits, whatever the vocabulary; `why` says more than that."""

    def __init__(self, why: str = "") -> None:
        super().__init__(f"no text can fit{why and ': '}{why}")


class UnknownPatternCharactersError(PatternError):
    """No text fits that the vocabulary can spell: `unknown` are characters (of words: words) that it does not have and
    that the pattern cannot do without."""

    def __init__(self, unknown: Sequence[str], kind: str = "character") -> None:
        self.unknown = tuple(unknown)
        shown = ", ".join(map(repr, self.unknown[:SHOWN])) + (" ..." if len(self.unknown) > SHOWN else "")
        super().__init__(f"cannot do without a {kind} that the model does not know: {shown}")


class NothingLeftError(PatternError):
    """Texts fit, but none that `parameter`, given beside the pattern, leaves."""

    def __init__(self, parameter: Literal["stop", "allowed_token_ids"]) -> None:
        self.parameter = parameter
        super().__init__(f"no text fits that {parameter} leaves")


class PatternTooLargeError(PatternError):
    """A bound of `charrnn.patterns.bounds` is exceeded; the message names it, and how many there are of what was
    counted before anything was built."""

    def __init__(self, what: str, bound: int, given: int | None = None) -> None:
        super().__init__(
            f"needs more than {bound:,} {what}" if given is None else f"may have {bound:,} {what}, not {given:,}"
        )
