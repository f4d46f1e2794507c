"""What is wrong when Redis fails, in words for the log and `/readyz`; never with a password."""

from __future__ import annotations

from typing import Final

from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    NoPermissionError,
    ReadOnlyError,
)
from redis.sentinel import MasterNotFoundError

AWAY: Final = "Redis is not available"

_OF_KINDS: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((AuthenticationError, AuthenticationWrongNumberOfArgsError), "Redis refuses the user or the password"),
    ((NoPermissionError,), "Redis does not permit its user what is needed"),
    ((ReadOnlyError,), "Redis is a replica, which cannot be written"),
    ((MasterNotFoundError,), "Redis has no primary of this name that is up, as far as a Sentinel answers"),
)
_OF_MESSAGES: Final = {
    "CERTIFICATE_VERIFY_FAILED": "Redis shows a certificate that cannot be verified",
    "DB index is out of range": "Redis has no database of this number",
}


def in_words(error: BaseException) -> str:
    """A short sentence: why this error of redis-py, of limits around one, or of the system was raised."""
    error = getattr(error, "storage_error", error)  # limits' own has the cause in it
    for kinds, words in _OF_KINDS:
        if isinstance(error, kinds):
            return words
    return next((words for part, words in _OF_MESSAGES.items() if part in str(error)), AWAY)
