"""The pieces of a stream become events in their order, the prompt's ids before the first of each choice; what was sent
and what comes after the last id is the whole, however either was cut into pieces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Logprobs, Output
from charrnn.marks import MarkedVocabulary
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from service.api.http.sse import LONGEST, Event
from service.api.http.text_events import text_events
from service.api.schemas.replies.completions import CompletionChunk, CompletionChunks, empty_chunk
from service.generation.choice_builder import ChoiceBuilder
from service.generation.pieces import Piece, Stream, StreamHead
from service.generation.progress import ChoiceProgress, StreamProgress
from service.generation.requests import GenerationRequest
from service.generation.resuming import pieces_after

News = tuple[int, Piece] | None


class Texts:
    """Chunks that are their choice's name and what is new."""

    def __init__(self, name: str) -> None:
        self._name = name

    def of_pattern(self, skipped: Sequence[str]) -> str:
        return "".join(skipped)

    def of_prompt(self, ids: Ids) -> str:
        return f"{self._name} ids {ids.tolist()}"

    def of_piece(self, piece: Piece, start: int) -> str:
        return f"{self._name} {start} {piece.text}"


def stream_of(prompt: Ids, pieces: Iterator[News], progress: StreamProgress) -> Stream:
    heads = tuple(StreamHead("m", 1, prompt, (), False, (seed,)) for seed in (7, 8))
    return Stream(heads, pieces, lambda: 0, progress)


def data(prompt: list[int], *news: News) -> Iterator[str | None]:
    stream = stream_of(np.array(prompt, np.int32), iter(news), StreamProgress(b"", [ChoiceProgress()] * 2))
    events = text_events(stream, [Texts("a"), Texts("b")])
    return (None if event is None else event.data for event in events)


def test_events_come_as_the_pieces_come() -> None:
    assert list(data([1], (0, Piece("x")), None, (1, Piece("y")), (0, Piece("z")))) == ["a 0 x", None, "b 0 y", "a 1 z"]


def test_the_prompts_ids_come_once_a_choice_where_ids_are_wanted() -> None:
    pieces = [(index, Piece("x", ids=(5,), tokens=range(1))) for index in (0, 0, 1)]
    assert list(data([1, 2], *pieces)) == ["a ids [1, 2]", "a 0 x", "a 1 x", "b ids [1, 2]", "b 0 x"]
    assert list(data([], pieces[0])) == ["a ids []", "a 0 x"]


def test_a_long_piece_takes_several_events() -> None:
    text = "é" * LONGEST
    events = [str(each).split(" ", 2) for each in data([], (0, Piece(text)))]
    assert len(events) > 1
    assert "".join(part for _, _, part in events) == text
    assert [int(start) for _, start, _ in events] == [
        sum(len(part) for _, _, part in events[:at]) for at in range(len(events))
    ]


def test_a_long_prompt_goes_on_in_the_middle() -> None:
    prompt = np.arange(10_000, dtype=np.int32)
    pieces = [(0, Piece("x", ids=(5,), tokens=range(1)))]

    def events(progress: StreamProgress) -> list[Event[str]]:
        pieces_left = pieces_after(progress, iter(pieces))
        return [each for each in text_events(stream_of(prompt, pieces_left, progress), [Texts("a")]) if each]

    whole = events(StreamProgress(b"", [ChoiceProgress()] * 2))
    assert len(whole) > 3
    for at, event in enumerate(whole):
        assert [each.data for each in events(StreamProgress.read(event.id, b"", 2))] == [
            each.data for each in whole[at + 1 :]
        ]


VOCABULARIES = (
    Vocabulary("\nabc"),
    WordVocabulary(("to", " ", "before", "\n")),
    MarkedVocabulary(Vocabulary("\nabc"), 1),
    MarkedVocabulary(WordVocabulary(("to", " ", "before", "\n")), 1),
)
PROMPT = np.array([2, 1, 2], np.int32)


@dataclass(frozen=True)
class Case:
    """What is generated for two choices; the last id of each may be the end of a record."""

    vocabulary: Vocabulary
    request: GenerationRequest
    ids: tuple[list[int], list[int]]

    def events(self, cuts: Sequence[int], at_once: int, progress: StreamProgress) -> list[Event[CompletionChunk]]:
        """The events after those that were passed on, of outputs with so many ids and pieces of so many parts."""
        made = [self._pieces(ids, cuts, at_once) for ids in self.ids]
        turns = chain.from_iterable(zip_longest(*([(at, each) for each in pieces] for at, pieces in enumerate(made))))
        stream = stream_of(PROMPT, pieces_after(progress, (turn for turn in turns if turn)), progress)
        empty = empty_chunk({"id": "", "object": "text_completion", "created": 0, "model": ""}, "", with_usage=False)
        chunks = [CompletionChunks(empty, at, 7 + at, PROMPT.size) for at in range(2)]
        return [event for event in text_events(stream, chunks) if event is not None]

    def _pieces(self, ids: list[int], cuts: Sequence[int], at_once: int) -> Iterator[Piece]:
        builder = ChoiceBuilder(self.vocabulary, PROMPT, self.request, 0)
        for output in self._outputs(ids, cuts):
            ended = builder.add(output)
            piece = builder.take()
            if piece.text or piece.finish_reason:
                cut = piece.parts()
                yield from (cut.between(at, min(at + at_once, len(cut))) for at in range(0, len(cut), at_once))
            if ended:
                return

    def _outputs(self, ids: list[int], cuts: Sequence[int]) -> Iterator[Output]:
        """The ids in outputs of these lengths, with logarithms that tell their places."""
        wanted, at, end = self.request.sampling.logprobs is not None, 0, self.vocabulary.end_id
        for number, length in enumerate([*cuts, len(ids)]):
            part = np.array(ids[at : at + length], np.int32)
            done = at + len(part) == len(ids)
            output = Output(1, part, done, ended=done and ids[-1] == end)
            if wanted:
                output.logprobs = logarithms(at, len(part))
                if self.request.echo and not number:
                    output.prompt_logprobs = logarithms(-PROMPT.size, PROMPT.size)
            yield output
            at += len(part)


def logarithms(start: int, n: int) -> Logprobs:
    return Logprobs(
        np.arange(start, start + n, dtype=np.float32), np.zeros((n, 0), np.int32), np.zeros((n, 0), np.float32)
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    vocabulary = draw(st.sampled_from(VOCABULARIES))
    request = GenerationRequest(
        "m",
        stop=draw(st.sampled_from([(), ("ab", "c"), ("rebe",), ("e\nb", "fore ", "b\nb")])),
        include_stop=draw(st.booleans()),
        min_tokens=draw(st.integers(0, 5)),
        echo=draw(st.booleans()),
        with_ids=draw(st.booleans()),
        sampling=SamplingParams(logprobs=draw(st.sampled_from([None, 0]))),
    )
    lists = st.lists(st.integers(0, 3), min_size=1, max_size=12)
    end = [] if vocabulary.end_id is None else draw(st.sampled_from([[], [vocabulary.end_id]]))
    return Case(vocabulary, request, (draw(lists) + end, draw(lists)))


def told(events: Sequence[Event[CompletionChunk]]) -> dict[int, dict[str, Any]]:
    """All that the events say of each choice, put together; the usage is the last that was said."""
    whole: dict[int, dict[str, Any]] = defaultdict(lambda: {"text": "", "finish_reason": [], "usage": None})
    for event in events:
        (choice,), usage = event.data["choices"], event.data["usage"]
        mine: dict[str, Any] = whole[choice["index"]]
        mine["text"] += choice["text"]
        mine["finish_reason"] += [choice["finish_reason"]] if choice["finish_reason"] else []
        mine["usage"] = usage
        lists: dict[str, Any] = {**(choice["logprobs"] or {}), **{name: choice.get(name, []) for name in IDS}}
        for name, values in lists.items():
            mine[name] = mine.get(name, []) + list(values)
    return dict(whole)


IDS = ("prompt_token_ids", "token_ids")
cuts = st.lists(st.integers(0, 5), max_size=6)


@given(cases(), cuts, cuts, st.integers(1, 5), st.integers(1, 100))
def test_a_stream_goes_on_after_each_of_its_events(
    case: Case, first: list[int], second: list[int], at_once: int, at_once_then: int
) -> None:
    fresh = [ChoiceProgress()] * 2
    whole = case.events([], 1000, StreamProgress(b"", fresh))
    events = case.events(first, at_once, StreamProgress(b"", fresh))
    assert told(events) == told(whole)
    assert len({event.id for event in events}) == len(events)
    for at, event in enumerate(events, 1):
        rest = case.events(second, at_once_then, StreamProgress.read(event.id, b"", 2))
        assert told([*events[:at], *rest]) == told(whole)
