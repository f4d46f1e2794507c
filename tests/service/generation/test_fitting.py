"""What could not be whole is refused, with the shortest text; a place in another automaton is none."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.patterns.compiling import Pattern
from charrnn.words import WordVocabulary
from service.generation.cancellation import NO_CLIENT, CancelScope
from service.generation.compiled_patterns import CompiledPatterns, Wanted
from service.generation.continuations.continuation import Place
from service.generation.errors import InvalidContinuationError, LengthTooShortError
from service.generation.fitting import Fitting, fitting
from service.generation.resident import ResidentModel
from tests.networks import random_network
from tests.service.conftest import CountingEngine, checkpoint

DATE = "[0-9]{4}-[01][0-9]"
PATTERNS = CompiledPatterns()


def resident(vocabulary: WordVocabulary | None = None) -> ResidentModel:
    made = checkpoint("-0123456789abc") if vocabulary is None else random_network(vocabulary, "gru", 3)
    return ResidentModel("m", 1, "digest", made.config, made.vocabulary, CountingEngine())


LETTERS = resident()


def fits(source: str, length: int, place: Place | None = None, model: ResidentModel = LETTERS, *stop: str) -> Fitting:
    wanted = Wanted(Pattern("regex", source), stop)
    return fitting(PATTERNS.get(wanted, model, CancelScope(NO_CLIENT)), model.vocabulary, length, place)


def test_the_shortest_text_and_how_long_it_is_is_reported() -> None:
    assert fits(DATE, 7).fit.distance == 7
    with pytest.raises(LengthTooShortError) as refused:
        fits(DATE, 6)
    assert str(refused.value) == "must be at least 7, the tokens of the shortest text that fits, not 6"
    assert refused.value.shortest == 7 and re.fullmatch(DATE, refused.value.example)


def test_tokens_of_several_characters_count_as_one() -> None:
    model = resident(WordVocabulary(("ab", "c", " ")))
    assert fits("ab c", 3, model=model).fit.distance == 3
    with pytest.raises(LengthTooShortError) as refused:
        fits("ab c( ab)+", 4, model=model)
    assert (refused.value.shortest, refused.value.example) == (5, "ab c ab")


@given(st.text("-0123456789abc", max_size=12), st.integers(1, 9))
def test_the_rest_after_a_place_is_what_is_left_of_the_pattern(text: str, length: int) -> None:
    whole = fits("a(bc|-)*[0-9]{2,4}c?", 99)
    try:
        place = whole.place_after(LETTERS.vocabulary.encode(text).tolist())
    except ValueError:
        assert not whole.takes(LETTERS.vocabulary.encode(text).tolist())
        return
    assert whole.takes(LETTERS.vocabulary.encode(text).tolist()) == bool(re.fullmatch("a(bc|-)*[0-9]{2,4}c?", text))
    try:
        rest = fits("a(bc|-)*[0-9]{2,4}c?", length, place)
    except LengthTooShortError as refused:
        assert refused.shortest > length
        assert re.fullmatch("a(bc|-)*[0-9]{2,4}c?", text + refused.example)
        assert len(refused.example) == refused.shortest
    else:
        assert rest.fit.distance <= length
        assert rest.fit.state == place.state == rest.place_after([]).state


def test_a_place_in_another_automaton_is_none() -> None:
    place = fits(DATE, 7).place_after([])
    assert fits(DATE, 7, place).fit.state == 0
    for other in (replace(place, state=10_000), replace(place, check=place.check ^ 1)):
        with pytest.raises(InvalidContinuationError, match="how far the text has come"):
            fits(DATE, 7, other)


def test_what_is_no_id_that_can_be_chosen_does_not_fit() -> None:
    assert not fits("[a-c]*", 7).takes([len(LETTERS.vocabulary)])
