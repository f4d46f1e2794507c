"""A text that goes on where another ended is the one that a longer request would have given, whatever is asked for and
wherever it goes on; through tokens, as users have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.compiling import Pattern
from charrnn.sampling import SamplingParams
from service.generation.continuations.continuation import Continuation
from service.generation.continuations.tokens import Continuations
from service.generation.errors import RecordEndedError
from service.generation.generator import TextGenerator
from service.generation.requests import Choice, GenerationRequest
from tests.laws import examples
from tests.service.generation.replicas import ISAS, NETWORKS, Replicas, kinds, lengths, requests

TOKENS: Final = Continuations(lambda: ("k" * 32,))


@pytest.fixture(scope="module")
def replicas() -> Iterator[Replicas]:
    made = Replicas()
    yield made
    for scheduler in made.schedulers.values():
        scheduler.close()


@pytest.fixture
def generator(replicas: Replicas) -> TextGenerator:
    return replicas.replica(ISAS[0])


def through_a_token(continuation: Continuation | None) -> Continuation:
    assert continuation is not None
    return TOKENS.read(TOKENS.token(continuation))


def going_on(request: GenerationRequest, continuation: Continuation, length: int) -> GenerationRequest:
    """The request for nothing but more."""
    return replace(
        request,
        start=continuation,
        model=continuation.reference,
        prompt="",
        seed=continuation.sampling.seed,
        sampling=continuation.sampling,
        min_tokens=continuation.min_tokens,
        held=continuation.held,
        length=length,
    )


def asked(
    generator: TextGenerator, request: GenerationRequest, neighbours: int = 0, *, streams: bool, cache: bool = False
) -> Choice:
    """The choice, with its continuation, among others that are generated at the same time."""
    request = replace(request, with_continuation=True, read_cache=cache, write_cache=cache)
    if streams:
        pieces = [each[1] for each in generator.stream(request).pieces if each is not None]
        last = pieces[-1]
        assert last.finish_reason is not None and all(piece.continuation is None for piece in pieces[:-1])
        text, tokens = "".join(piece.text for piece in pieces), last.tokens.stop
        return Choice(text, request.seed or 0, last.finish_reason, tokens, continuation=last.continuation)
    other = replace(request, stop=(), pattern=None, place=None)
    others = [replace(other, seed=seed, length=at + 1) for at, seed in enumerate(range(neighbours))]
    return generator.generate_all([*others, request])[-1].choices[0]


@examples(15)
@given(requests, lengths, kinds, *[st.booleans()] * 2, st.integers(0, 3), st.randoms(use_true_random=False))
def test_text_of_n_and_its_continuation_of_m_are_text_of_n_plus_m(
    replicas: Replicas,
    request: GenerationRequest,
    lengths: list[int],
    kinds: tuple[str, ...],
    streams: bool,
    cache: bool,
    neighbours: int,
    random: Random,
) -> None:
    pick = random.choice
    request = replace(request, prompt=request.prompt if request.model != "words" else request.prompt[:1])
    whole = asked(replicas.replica(pick(kinds)), replace(request, length=sum(lengths)), streams=False)
    if cache:  # entries for as much, for less and for more of the first part
        for length in random.sample([*lengths, *lengths[:1], sum(lengths)], 2):
            asked(replicas.replica(pick(kinds)), replace(request, length=length), streams=streams, cache=True)
    parts: list[Choice] = []
    for length in lengths:
        each = replace(request, length=length)
        if parts:
            each = going_on(request, through_a_token(parts[-1].continuation), length)
        parts.append(asked(replicas.replica(pick(kinds)), each, neighbours, streams=streams, cache=cache))
        if parts[-1].finish_reason != "length":
            break
    text = "".join(part.text for part in parts)
    assert sum(part.completion_tokens for part in parts) == whole.completion_tokens
    assert parts[-1].finish_reason == whole.finish_reason
    if request.include_stop or whole.finish_reason != "stop" or len(text) <= len(whole.text):
        assert text == whole.text
    else:  # what had been passed on at the end of a part was the beginning of a stop text
        assert text.startswith(whole.text) and parts[-1].text == ""
    assert through_a_token(parts[-1].continuation) == whole.continuation


@examples(15)
@given(requests, st.booleans(), kinds)
def test_a_text_that_goes_on_after_each_stop_text_loses_nothing(
    replicas: Replicas, request: GenerationRequest, streams: bool, kinds: tuple[str, ...]
) -> None:
    generator = replicas.replica(kinds[0])
    request = replace(request, prompt=request.prompt[:1], stop=request.stop or ("ab",), include_stop=True, length=60)
    whole = asked(generator, replace(request, stop=()), streams=False)
    text, left, start, reasons = "", request.length, None, [""]
    while left and reasons[-1] != "end":
        each = replace(request, length=left)
        if start is not None:
            each = going_on(request, through_a_token(start), left)
        part = asked(generator, each, streams=streams)
        text, left, start = text + part.text, left - part.completion_tokens, part.continuation
        reasons.append(part.finish_reason)
    assert text + (start.pending.left if start else "") == whole.text
    assert set(reasons[1:-1]) <= {"stop"} and reasons[-1] in {"stop", whole.finish_reason}


@pytest.mark.parametrize("model", ["lstm", "words", "gru"])
@pytest.mark.parametrize("kind", [ISAS[0], "float32", "gpu"])
def test_a_prompt_is_read_before_the_text_goes_on(replicas: Replicas, model: str, kind: str) -> None:
    """As if all that came before, generated or not, had been one prompt."""
    generator, greedy = replicas.replica(kind), SamplingParams(temperature=0, repetition_penalty=1.3)
    first = GenerationRequest(model, "a", 30, seed=0, sampling=greedy, with_ids=True)
    begun = asked(generator, first, streams=False)
    dialogue = replace(going_on(first, through_a_token(begun.continuation), 20), prompt="b\n", echo=True)
    found = asked(generator, dialogue, 1, streams=True)
    assert begun.ids is not None
    before = NETWORKS[model].vocabulary.encode("a"), begun.ids, NETWORKS[model].vocabulary.encode("b\n")
    alone = replace(first, prompt=tuple(int(id_) for ids in before for id_ in ids), length=20)
    assert found.text == "b\n" + asked(generator, alone, streams=False).text


def test_a_record_that_has_ended_stays_as_it_is(generator: TextGenerator) -> None:
    request = GenerationRequest("records", "a", 10_000, seed=1, stop=("bb",), with_continuation=True)
    ended = generator.generate(replace(request, stop=())).choices[0]
    more = going_on(request, through_a_token(ended.continuation), 5)
    again = generator.generate(replace(more, n=2, sampling=replace(more.sampling, logprobs=1), with_ids=True)).choices
    for choice in again:
        assert (choice.text, choice.finish_reason, choice.completion_tokens, choice.ids) == ("", "end", 0, ())
        assert choice.logprobs is not None and len(choice.logprobs) == 0
    assert again[0].continuation == replace(through_a_token(ended.continuation), stop=("bb",))
    (piece,) = [each for each in generator.stream(more).pieces if each]
    assert (piece[1].text, piece[1].finish_reason) == ("", "end")
    with pytest.raises(RecordEndedError, match="prompt must be omitted"):
        generator.generate(replace(more, prompt="b"))


def test_a_fork_goes_on_in_other_ways_and_its_first_choice_exactly(generator: TextGenerator) -> None:
    request = GenerationRequest(
        "lstm", "ab", 20, seed=5, sampling=SamplingParams(temperature=2), with_continuation=True
    )
    whole = generator.generate(replace(request, length=40)).choices[0]
    begun = generator.generate(request).choices[0]
    fork = replace(going_on(request, through_a_token(begun.continuation), 20), n=4)
    ways = generator.generate(fork).choices
    assert begun.text + ways[0].text == whole.text and ways[0].continuation == whole.continuation
    assert [way.seed for way in ways] == [5, 6, 7, 8] and len({way.text for way in ways}) == 4
    for way in ways[1:]:
        assert generator.generate(replace(fork, n=1, seed=way.seed)).choices[0].text == way.text
        more = generator.generate(going_on(request, through_a_token(way.continuation), 20)).choices[0]
        assert way.text + more.text == generator.generate(replace(fork, n=1, seed=way.seed, length=40)).choices[0].text


def test_log_probabilities_go_on_with_the_text(generator: TextGenerator) -> None:
    request = GenerationRequest("words", "a", 30, seed=3, sampling=SamplingParams(logprobs=2), with_continuation=True)
    whole = generator.generate(request).choices[0]
    begun = generator.generate(replace(request, length=11)).choices[0]
    assert begun.continuation is not None and begun.continuation.sampling.logprobs is None
    rest = replace(going_on(request, begun.continuation, 19), sampling=request.sampling)
    more = generator.generate(rest).choices[0]
    assert whole.logprobs is not None and begun.logprobs is not None and more.logprobs is not None
    assert [*begun.logprobs, *more.logprobs] == list(whole.logprobs)


PATTERNS: Final = {
    "lstm": ["(a|b\n)+", "a[ab]{0,99}\n?b", "([ab]{3}\n)*b"],
    "words": ["(ab|ba)( (ab|ba|a))*", "(?s:.*)ba\n"],
    "records": ["(a+b)*a", "[ab]*bb"],
}
fitting = st.sampled_from([(model, source) for model, sources in PATTERNS.items() for source in sources])


@examples(20)
@given(fitting, requests, lengths, kinds, st.booleans(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_what_fits_is_the_same_in_every_replica_and_fits_however_often_it_goes_on(
    replicas: Replicas,
    fitting: tuple[str, str],
    request: GenerationRequest,
    lengths: list[int],
    kinds: tuple[str, ...],
    streams: bool,
    neighbours: int,
    random: Random,
) -> None:
    model, source = fitting
    pattern = Pattern("regex", source)
    request = replace(request, model=model, prompt=request.prompt[:1], held=(), stop=(), pattern=pattern)
    text, end = "", None
    for length in [lengths[0] + 6, *lengths[1:]]:
        each = replace(request, length=length)
        if end is not None:
            found = through_a_token(end.continuation)
            each = replace(going_on(request, found, length), place=found.place)
        end = asked(replicas.replica(random.choice(kinds)), each, neighbours, streams=streams)
        again = asked(replicas.replica(random.choice(kinds)), each, streams=not streams)
        assert (again.text, again.continuation) == (end.text, end.continuation)
        text += end.text
        assert re.fullmatch(source, text) and end.completion_tokens <= length
        assert end.finish_reason in ("stop", "length", "end")
        if end.finish_reason == "end":
            break
