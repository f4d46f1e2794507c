"""What a route returns is what the document shows of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from flask import Response
from typing_extensions import TypedDict

from service.api.http.responses import EventStream, JsonResponse, NoContent, Png, Svg
from service.api.openapi.operations import Answer, describe, operation_of


class Made(TypedDict):
    """A reply."""

    name: str


class Chunk(TypedDict):
    """An event."""

    text: str


class End(TypedDict):
    """Another."""

    count: int


def plain() -> Made:
    return {"name": "a"}


def created() -> tuple[Made, Literal[201, 200]]:
    return {"name": "a"}, 201


def streamed() -> JsonResponse[Made] | EventStream[Chunk | End]: ...  # type: ignore[empty-body]
def either() -> JsonResponse[Made | End]: ...  # type: ignore[empty-body]
def drawn() -> JsonResponse[Made] | Svg | Png: ...  # type: ignore[empty-body]
def deleted() -> NoContent: ...  # type: ignore[empty-body]
def followed() -> EventStream[Chunk] | NoContent: ...  # type: ignore[empty-body]
def downloaded() -> Response: ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    ("route", "answer"),
    [
        (plain, Answer(json=(Made,))),
        (created, Answer(json=(Made,), statuses=(201, 200))),
        (streamed, Answer(json=(Made,), events=(Chunk, End))),
        (either, Answer(json=(Made, End))),
        (drawn, Answer(json=(Made,), others=("image/svg+xml", "image/png"))),
        (deleted, Answer(statuses=(204,))),
        (followed, Answer(events=(Chunk,))),
    ],
)
def test_an_answer_is_read_from_the_return_type(route: Callable[[], Any], answer: Answer) -> None:
    operation = operation_of(describe("A route")(route))
    assert operation is not None
    assert operation.answer == answer


def test_a_content_type_that_no_type_says_is_given() -> None:
    operation = operation_of(describe("A file", content_type="application/octet-stream")(downloaded))
    assert operation is not None
    assert operation.answer == Answer(others=("application/octet-stream",))
