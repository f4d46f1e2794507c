"""The pieces of a stream become events in their order, the prompt's ids before the first of each choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from charrnn.vocabulary import Ids
from service.api.http.sse import LONGEST
from service.api.http.text_events import text_events
from service.generation.pieces import Head, Piece, Stream

News = tuple[int, Piece] | None


class Texts:
    """Chunks that are their choice's name and what is new."""

    def __init__(self, name: str) -> None:
        self._name = name

    def of_prompt(self, ids: Ids) -> str:
        return f"{self._name} ids {ids.tolist()}"

    def of_piece(self, _: Piece) -> Callable[[Piece, int], str]:
        return lambda part, before: f"{self._name} {before} {part.text}"


def data(prompt: list[int], *news: News) -> Iterator[str | None]:
    ids = np.array(prompt, np.int32)
    heads = tuple(Head("m", 1, ids, (), False, (seed,)) for seed in (7, 8))
    stream = Stream(heads, iter(news), completion_tokens=lambda: 0)
    events = text_events(stream, [Texts("a"), Texts("b")])
    return (None if event is None else event.data for event in events)


def test_events_come_as_the_pieces_come() -> None:
    assert list(data([1], (0, Piece("x")), None, (1, Piece("y")), (0, Piece("z")))) == ["a 0 x", None, "b 0 y", "a 0 z"]


def test_the_prompts_ids_come_once_a_choice_where_ids_are_wanted() -> None:
    pieces = [(index, Piece("x", ids=(5,), tokens=range(1))) for index in (0, 0, 1)]
    assert list(data([1, 2], *pieces)) == ["a ids [1, 2]", "a 0 x", "a 0 x", "b ids [1, 2]", "b 0 x"]
    assert list(data([], pieces[0])) == ["a ids []", "a 0 x"]


def test_a_long_piece_takes_several_events() -> None:
    text = "é" * LONGEST
    events = [str(each).split(" ", 2) for each in data([], (0, Piece(text)))]
    assert len(events) > 1
    assert "".join(part for _, _, part in events) == text
    assert [int(before) for _, before, _ in events] == [
        sum(len(part) for _, _, part in events[:at]) for at in range(len(events))
    ]
