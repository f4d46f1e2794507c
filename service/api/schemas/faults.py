"""What validators of a request's body raise, so that the error names the field at fault; knows no schemas."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Discriminator
from pydantic_core import PydanticCustomError

SENTENCE: Final = "value_error"
"""The kind of a fault whose message is the whole sentence."""

PREDICATE: Final = "at_fault"
"""The kind of a fault whose message continues the field's name and includes the value."""

TAG: Final = "<"
"""How the tags of alternatives begin, which are no part of a value's place."""

SEVERAL: Final = "<several>"
"""The tag of a list of texts: what is wrong with one of them has its place in the error's `param`."""


def fault(message: str, field: str | None = None) -> PydanticCustomError:
    """An error with this sentence as its message; `field` is the one to correct where several were compared."""
    return PydanticCustomError(SENTENCE, "{message}", {"message": message, "field": field})


def predicate(message: str) -> PydanticCustomError:
    """A fault of the field that is looked at: "must be at most 5, not 7"."""
    return PydanticCustomError(PREDICATE, "{message}", {"message": message})


def alternatives(kind: Any, expected: str) -> Discriminator:
    """Tells the alternatives of a field apart by `kind`, which gives the tag of a value or None, so that errors are of
    the alternative that was used; `expected` names them all."""
    return Discriminator(kind, custom_error_type="no_alternative", custom_error_message=f"Input should be {expected}")
