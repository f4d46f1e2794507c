"""The errors of the API about what a text has to fit; they name the fields as the request does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from charrnn.patterns.errors import (
    EmptyPatternError,
    InvalidPatternError,
    NothingLeftError,
    PatternError,
    PatternTooLargeError,
    UnknownPatternCharactersError,
    UnsupportedPatternError,
)
from service.api.http.errors import ApiError, shown
from service.api.schemas.replies.common import with_pattern_skipped
from service.generation.errors import LengthTooShortError

CODES: Final[tuple[tuple[type[PatternError], str], ...]] = (
    (InvalidPatternError, "invalid_pattern"),
    (UnsupportedPatternError, "unsupported_pattern"),
    (EmptyPatternError, "empty_pattern"),
    (NothingLeftError, "empty_pattern"),
    (UnknownPatternCharactersError, "unknown_character"),
    (PatternTooLargeError, "pattern_too_large"),
)


@contextmanager
def pattern_in(field: str | None, length: str = "length") -> Iterator[None]:
    """A context for compiling a request's pattern, in which errors name the field that says it, and the one that says
    how long a text may be."""
    try:
        yield
    except PatternError as error:
        raise pattern_error(error, field) from error
    except LengthTooShortError as error:
        raise length_too_short(error, length) from error


def pattern_error(error: PatternError, field: str | None = None) -> ApiError:
    """The error about a pattern in this field."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), "invalid_pattern")
    if isinstance(error, NothingLeftError):
        return ApiError(422, code, f"{error.parameter}: {error}", error.parameter)
    return ApiError(422, code, f"{field or 'pattern'}: {error}", field, more=_more(error))


def length_too_short(error: LengthTooShortError, field: str = "length") -> ApiError:
    """The error about a length with which no text fits."""
    message = f"{field} {error}: {shown(error.example)} fits"
    more = {"shortest": error.shortest, "example": error.example, **with_pattern_skipped(error.skipped)}
    return ApiError(422, "length_too_short", message, field, more=more)


def _more(error: PatternError) -> dict[str, Any]:
    if isinstance(error, UnknownPatternCharactersError):
        return {"unknown": [{"character": each} for each in error.unknown]}
    if isinstance(error, InvalidPatternError):
        return {"position": error.position, "place": error.place}
    if isinstance(error, UnsupportedPatternError):
        return {"unsupported": error.feature, "position": error.position, "place": error.place}
    return {}
