"""The body of `POST /complete`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from service.api.schemas.base import ModelBody, Unknown
from service.api.schemas.bounds import AtMost
from service.api.schemas.generation import Stop
from service.api.schemas.patterns import PatternBody
from service.generation.completing import CompletionRequest
from service.settings import Settings

UNTIL: Final = (" ", "\n")
"""What ends a word, or a line."""


class CompleteBody(PatternBody, ModelBody):
    """`POST /complete`."""

    prompt: Annotated[str, AtMost("max_prompt_length", "characters")] = Field(
        "", description="the text to complete; may be empty, and may end within a word"
    )
    n: int = Field(5, ge=1, le=20, description="how many completions to return, the likeliest ones")
    length: int = Field(
        30, ge=1, le=100, description="most tokens of a completion: characters, or words for a word-level model"
    )
    until: Stop | None = Field(
        None,
        description="up to 8 strings at which a completion ends, not part of it; by default a space and a newline, or"
        " nothing beside a pattern, as with an empty list; a model of records also ends it with the record",
    )
    unknown: Unknown = "error"

    def request(self, settings: Settings) -> CompletionRequest:
        """The request with every default filled in."""
        pattern = self.pattern()
        until = (UNTIL if pattern is None else ()) if self.until is None else self.until
        strings = (until,) if isinstance(until, str) else tuple(until)
        return CompletionRequest(
            model=self.reference(settings),
            prompt=self.prompt,
            n=self.n,
            length=self.length,
            until=tuple(sorted({*filter(None, strings)})),
            pattern=pattern,
            skip_unknown=self.unknown == "skip",
        )
