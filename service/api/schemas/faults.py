"""The errors that validators of a request's body raise, which name the field at fault; knows no schemas."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Discriminator
from pydantic_core import PydanticCustomError

SENTENCE: Final = "value_error"
"""The kind of an error whose message is a whole sentence."""

PREDICATE: Final = "at_fault"
"""The kind of an error whose message continues the field's name and includes the value."""

TAG: Final = "<"
"""The prefix of tags of alternatives, which are not part of a value's path."""

SEVERAL: Final = "<several>"
"""The tag of a list of texts: an error in one of them has its index in `param`."""


TEXTS: Final = "texts"
"""A field with many texts: so has an error in one of them."""


def fault(message: str, field: str | None = None) -> PydanticCustomError:
    """An error with this sentence as its message; `field` is the one to correct where several were compared."""
    return PydanticCustomError(SENTENCE, "{message}", {"message": message, "field": field})


def predicate(message: str) -> PydanticCustomError:
    """An error of the validated field: "must be at most 5, not 7"."""
    return PydanticCustomError(PREDICATE, "{message}", {"message": message})


def alternatives(kind: Any, expected: str) -> Discriminator:
    """Discriminates the alternatives of a field by `kind`, which returns the tag of a value or None, so that errors are
    those of the alternative that was used; `expected` names all alternatives."""
    return Discriminator(kind, custom_error_type="no_alternative", custom_error_message=f"Input should be {expected}")
