"""The last event of a stream of texts that a stopping server cuts off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final, NotRequired

from pydantic import Field

from service.api.schemas.replies.common import ErrorReply
from service.generation.continuations.continuation import Continuation

TokenOf = Callable[[Continuation], str]

MOST_CHARACTERS: Final = 40_000
"""Of all continuations in the last event: more might not fit in its line, which has the first one twice."""


class CutOff(ErrorReply):
    """The last event of a stream that a stopping server cuts off, and how to go on: with `POST /generate`, whichever
    route it is of."""

    continuation: Annotated[
        str | None,
        Field(
            description="from where the text goes on, for the field `continue`: of several choices, the first that had"
            " begun and not ended; null if there is none, but there is always `Last-Event-ID`"
        ),
    ]
    continuations: NotRequired[
        Annotated[
            list[str | None],
            Field(default=[], description="of each of several choices; null: it has ended, or had not begun"),
        ]
    ]


def cut_off(error: ErrorReply, continuations: Sequence[Continuation | None], token_of: TokenOf) -> CutOff:
    """The event with the error, and a token for each choice that goes on."""
    tokens = [None if each is None else token_of(each) for each in continuations]
    event: CutOff = {"error": error["error"], "continuation": next(filter(None, tokens), None)}
    if len(tokens) > 1 and sum(len(token or "") for token in tokens) <= MOST_CHARACTERS:
        event["continuations"] = tokens
    return event
