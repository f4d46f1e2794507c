"""A pattern's automaton accepts exactly the texts that fit, is the smallest one, and is refused for what it says."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charrnn.marks import MarkedVocabulary
from charrnn.patterns.bounds import MAX_CHARACTERS, MAX_CHOICES, MAX_STATES
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import (
    EmptyPatternError,
    InvalidPatternError,
    NothingLeftError,
    PatternError,
    PatternTooLargeError,
    UnknownPatternCharactersError,
    UnsupportedPatternError,
)
from charrnn.patterns.examples import shortest, texts
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from tests.charrnn.patterns.languages import (
    ASSERTING,
    EVERY,
    EXPRESSIONS,
    LONGEST,
    SMALL,
    accepted,
    compiled,
    fitting,
    same,
)
from tests.laws import examples

WIDE = Vocabulary.of(["\n" + "".join(map(chr, range(32, 127))) + "é"])
WORDS = WordVocabulary(("a", "ab", "b", "a'b", "'", "-", "\n", "\r", "\r\n"))
EVERY_TOKENIZED = {
    WORDS.decode(ids): ids
    for n in range(4)
    for ids in product(range(len(WORDS) - 1), repeat=n)
    if tuple(WORDS.encode_all(WORDS.decode(ids))) == ids
}
"""All texts of at most three tokens, with their ids."""


def regex(source: str, vocabulary: Vocabulary = WIDE, **given_: object) -> set[str]:
    """The texts that fit, of which there are few."""
    made = compile_pattern(Pattern("regex", source), vocabulary, len(vocabulary), **given_)  # type: ignore[arg-type]
    return {vocabulary.decode(ids) for ids in texts(made.automaton, 30)}


def refused(pattern: Pattern, vocabulary: Vocabulary = WIDE) -> PatternError:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern, vocabulary, len(vocabulary))
    return caught.value


@given(EXPRESSIONS)
def test_exactly_the_texts_fit_that_re_matches_as_a_whole(expression: str) -> None:
    assert accepted(compiled(expression)) == fitting(expression, EVERY)


@given(ASSERTING)
@examples(80)
def test_assertions_hold_where_they_do_in_re(expression: str) -> None:
    assert accepted(compiled(expression)) == fitting(expression, EVERY)


@given(EXPRESSIONS)
def test_of_a_model_of_words_exactly_the_texts_fit_that_it_tokenizes_into_their_ids(expression: str) -> None:
    automaton = compiled(expression, WORDS)
    found = set() if automaton is None else set(texts(automaton, 3))

    assert {WORDS.decode(ids) for ids in found} == fitting(expression, sorted(EVERY_TOKENIZED))
    assert all(EVERY_TOKENIZED[WORDS.decode(ids)] == ids for ids in found)


def test_long_words_are_no_exception() -> None:
    vocabulary = WordVocabulary(("a", "'", *("a" * n for n in (62, 63, 64))))
    every = set(product(range(len(vocabulary) - 1), repeat=3))
    automaton = compiled("['a]*", vocabulary)
    assert automaton is not None

    found = {ids for ids in texts(automaton, 3) if len(ids) == 3}
    assert found == {ids for ids in every if tuple(vocabulary.encode_all(vocabulary.decode(ids))) == ids}


@given(EXPRESSIONS)
def test_distances_are_the_fewest_further_ids_to_an_end(expression: str) -> None:
    automaton = compiled(expression)
    assume(automaton is not None)
    assert automaton is not None

    for state, distance in enumerate(automaton.distances.tolist()):
        assert len(shortest(automaton, state)) == distance
        assert automaton.may_end(automaton.after(state, shortest(automaton, state)))
        assert distance == 0 or not list(texts(automaton, distance - 1, state))


@given(EXPRESSIONS, st.sampled_from(["(?:{})", "(?:{}|{})", "{}(?:)", "(?:(?:{}){{1}})"]))
def test_equal_languages_have_equal_automata(expression: str, form: str) -> None:
    first, second = compiled(f"(?:{expression})"), compiled(form.format(expression, expression))
    assert first is second is None or same(first, second)


@given(EXPRESSIONS)
def test_no_two_states_have_the_same_texts(expression: str) -> None:
    automaton = compiled(expression)
    assume(automaton is not None and len(automaton) <= LONGEST + 1)
    assert automaton is not None

    left = [frozenset(texts(automaton, len(automaton), state)) for state in range(len(automaton))]
    assert len(set(left)) == len(left)


@given(EXPRESSIONS, st.lists(st.text("ab-", min_size=1, max_size=3), min_size=1, max_size=3))
def test_no_text_has_a_stop_text(expression: str, stop: list[str]) -> None:
    kept = {text for text in fitting(expression, EVERY) if not any(each in text for each in stop)}
    try:
        found = accepted(compile_pattern(Pattern("regex", expression), SMALL, 4, stop=stop).automaton)
    except PatternError as error:
        assert not isinstance(error, PatternTooLargeError)
        found = set()
    assert found == kept


@given(EXPRESSIONS, st.sets(st.integers(0, 3)))
def test_texts_have_only_ids_that_are_allowed(expression: str, allowed: set[int]) -> None:
    known = {SMALL.characters[id_] for id_ in allowed}
    kept = {text for text in fitting(expression, EVERY) if known.issuperset(text)}
    try:
        found = accepted(compile_pattern(Pattern("regex", expression), SMALL, 4, allowed=allowed).automaton)
    except PatternError as error:
        assert not isinstance(error, PatternTooLargeError)
        found = set()
    assert found == kept


@given(st.lists(st.text("ab-x", max_size=LONGEST), min_size=1, max_size=12))
def test_a_choice_is_one_of_the_texts(choices: list[str]) -> None:
    known = {each for each in choices if "x" not in each}
    pattern = Pattern("choice", tuple(choices))
    if not known:
        error = refused(pattern, SMALL)
        assert isinstance(error, UnknownPatternCharactersError) and error.unknown == ("x",)
        return
    made = compile_pattern(pattern, SMALL, 4)
    assert accepted(made.automaton) == known
    assert made.skipped == (("x",) if known != set(choices) else ())
    expression = compiled("|".join(map(re.escape, choices)))
    assert expression is not None and same(made.automaton, expression)


def test_choices_of_a_model_of_words_are_skipped_word_by_word() -> None:
    vocabulary = WordVocabulary.of(["the cat sat on the dog"])
    made = compile_pattern(Pattern("choice", ("the cat", "the cats", "the dogma", "é")), vocabulary, len(vocabulary))

    assert accepted(made.automaton, vocabulary) == {"the cat"}
    assert made.skipped == ("cats", "dogma", "m", "é")


def test_ids_that_are_not_text_are_never_taken() -> None:
    marked = MarkedVocabulary(WORDS, 2)
    automaton = compile_pattern(Pattern("regex", "(?s:.)*"), marked, len(WORDS) + 1).automaton

    assert automaton.choosable(0, 9).tolist() == [True] * (len(WORDS) - 1) + [False] * 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            r"\d{2}:[0-5][02]",
            {f"{h}{i}:{m}{n}" for h in range(10) for i in range(10) for m in range(6) for n in (0, 2)},
        ),
        ("(?i)É|[k]", {"é", "k", "K"}),
        ("(?s).", {*WIDE.characters}),
        (".", {*WIDE.characters} - {"\n"}),
        ("(?:a|ab)(?:c|bcd)?", {"a", "ab", "ac", "abc", "abcd", "abbcd"}),
        (r"[\w-]{1}\b$", set(re.findall(r"\w", WIDE.characters))),
        ("a$\n?", {"a", "a\n"}),
        ("(a)|b", {"a", "b"}),
        ("[^a-~\n !-`]", {"é"}),
        ("", {""}),
    ],
)
def test_some_expressions(source: str, expected: set[str]) -> None:
    assert regex(source) == expected


@pytest.mark.parametrize("source", ["a^", r"[^\s\S]", r"\bab\b \b\b-", "$a", r"a\Bb\b\B", r"(?:a\b){2}"])
def test_where_nothing_can_fit_the_pattern_is_empty(source: str) -> None:
    assert isinstance(refused(Pattern("regex", source)), EmptyPatternError)


@pytest.mark.parametrize(
    ("source", "unknown"),
    [
        ("na\u00efve", "\u00ef"),
        ("a(?:\u00fc|b\u00f6\u00f6)\u00e4", "\u00e4\u00fc"),
        (r"[\u0660-\u0669]", "\u0660"),
        ("\u03b1+\u03b2*", "\u03b1"),
        (r"\b[^\x00-\x7f\xe9]", "\xaa"),
    ],
)
def test_what_the_pattern_cannot_do_without_is_listed(source: str, unknown: str) -> None:
    error = refused(Pattern("regex", source))
    assert isinstance(error, UnknownPatternCharactersError)
    assert error.unknown == tuple(unknown)


@pytest.mark.parametrize(
    ("source", "skipped"),
    [
        ("a|\u00fc", "\u00fc"),
        ("[a\u00e4-\u00e6]", "\u00e4\u00e5\u00e6"),
        (r"\w|[^a]|.", ""),
        (r"[^\u00fc]", ""),
        (r"[\u0000-\uffff]", ""),
        ("(?:\u00fc|b){3}", "\u00fc"),
    ],
)
def test_what_the_pattern_names_and_can_do_without_is_skipped(source: str, skipped: str) -> None:
    assert compile_pattern(Pattern("regex", source), WIDE, len(WIDE)).skipped == tuple(skipped)


def test_what_stop_texts_or_allowed_ids_leave_must_be_something() -> None:
    for given_, parameter in (({"stop": ["a"]}, "stop"), ({"allowed": [2]}, "allowed_token_ids")):
        with pytest.raises(NothingLeftError) as caught:
            compile_pattern(Pattern("regex", "a+b"), SMALL, 4, **given_)
        assert caught.value.parameter == parameter


@pytest.mark.parametrize(
    ("source", "position", "message"),
    [
        ("a(b", 1, r"missing \), unterminated subpattern at position 1 \(line 1, column 2\)"),
        ("ab\n*)", 4, r"unbalanced parenthesis at position 4 \(line 2, column 2\)"),
        ("*", 0, "nothing to repeat at position 0"),
        ("a{3,2}", 2, "min repeat greater than max repeat"),
        ("a{99999999999}", None, "the repetition number is too large"),
        (f"a{{{'9' * 5000}}}", None, "the repetition number is too large"),
        ("[z-a]", 1, "bad character range z-a"),
        ("(?\x1b[31m)", 1, r"unknown extension \?\\x1b at position 1"),
    ],
)
def test_what_does_not_parse_is_refused_with_its_place(source: str, position: int | None, message: str) -> None:
    error = refused(Pattern("regex", source))
    assert isinstance(error, InvalidPatternError) and error.position == position
    assert re.match(message, str(error))


@pytest.mark.parametrize(
    ("source", "feature", "position"),
    [
        ("(?=a)a", "look-ahead", 0),
        ("(?!)", "look-ahead", 0),
        ("a(?<=a)", "look-behind", 1),
        (r"(a)\1", "a back-reference", 3),
        ("(?P<x>a)\n(?P=x)", "a back-reference", 9),
        ("(a)?(?(1)b|c)", "a condition on a group", 4),
        ("(?>a)", "an atomic group", 0),
        ("a*+", "a possessive quantifier", 1),
        ("(?m)^a", "the flag (?m)", 0),
        ("(?x)a", "the flag (?x)", 0),
        ("b(?a:a)", "the flag (?a)", 1),
    ],
)
def test_what_is_not_supported_is_named_with_its_place(source: str, feature: str, position: int) -> None:
    error = refused(Pattern("regex", source))
    assert isinstance(error, UnsupportedPatternError)
    assert (error.feature, error.position) == (feature, position)
    assert str(error) == f"{feature} {error.place} is not supported"
    assert error.place.startswith(f"at position {position} (line {1 + source.count(chr(10), 0, position)}, column ")


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern("regex", "a" * (MAX_CHARACTERS + 1)),
        Pattern("regex", "(" * 101 + ")" * 101),
        Pattern("regex", f"a{{{MAX_STATES}}}"),
        Pattern("choice", tuple(map(str, range(MAX_CHOICES + 1)))),
        Pattern("choice", ("a" * 1_000_001,)),
    ],
    ids=["characters", "depth", "states", "choices", "choices' characters"],
)
def test_what_is_too_large_is_refused(pattern: Pattern) -> None:
    assert isinstance(refused(pattern), PatternTooLargeError)


def test_no_choice_is_no_pattern() -> None:
    assert isinstance(refused(Pattern("choice", ())), EmptyPatternError)
    assert accepted(compile_pattern(Pattern("choice", ("",)), SMALL, 4).automaton) == {""}


def test_many_choices_are_compiled() -> None:
    choices = tuple(f"choice {i:04d}" for i in range(MAX_CHOICES))
    automaton = compile_pattern(Pattern("choice", choices), WIDE, len(WIDE)).automaton

    assert len(automaton) == 12
    assert automaton.may_end(automaton.after(0, WIDE.encode("choice 9876").tolist()))


@pytest.mark.parametrize("outputs", [len(SMALL), len(SMALL) + 3])
def test_each_output_has_a_class(outputs: int) -> None:
    automaton = compile_pattern(Pattern("regex", "[ab]+"), MarkedVocabulary(SMALL, 3), outputs).automaton
    assert automaton.classes.shape == (outputs,)
    assert np.flatnonzero(automaton.choosable(0, 5)).tolist() == [2, 3]
