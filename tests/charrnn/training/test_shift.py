"""Whether the held-out part of a text is of another kind."""

import random

import numpy as np
import pytest

from charrnn.training.shift import MAX_DIVERGENCE, divergence, shift_warning
from charrnn.training.text import Passages, split
from charrnn.vocabulary import Vocabulary
from charrnn.word_tokens import tokens
from charrnn.words import WordVocabulary

LATIN = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "then", "sleeps"]
GREEK = ["η", "γρήγορη", "καφέ", "αλεπού", "πηδά", "πάνω", "από", "τον", "σκύλο"]
ENGLISH = " ".join(random.Random(1).choices(LATIN, k=9000))
CODE = "\n".join(random.Random(3).choices(["if (x) {", "  y = 12;", "}", "/* ... */"], k=1500))


def parts(text: str, *, words: bool = False, held_out: int = 9_000) -> tuple[Passages, Passages, Vocabulary]:
    vocabulary = WordVocabulary.of([text]) if words else Vocabulary.of([text])
    ids = vocabulary.encode_tokens(tokens(text) if words else list(text))
    if words:
        held_out = len(tokens(text[-held_out:]))
    edge = len(ids) - held_out
    return Passages(ids, [(0, edge)]), Passages(ids, [(edge, len(ids))]), vocabulary


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("tail", [" ".join(GREEK * 170), CODE, ENGLISH.upper()[:10_000]])
def test_another_script_code_or_capitals_are_another_kind(tail: str, words: bool) -> None:
    warning = shift_warning(*parts(ENGLISH + tail, words=words))
    assert warning is not None and "differs in kind" in warning


@pytest.mark.parametrize("words", [False, True])
def test_more_of_the_same_is_not(words: bool) -> None:
    assert divergence(*parts(ENGLISH, words=words)) < MAX_DIVERGENCE / 5
    assert shift_warning(*parts(ENGLISH, words=words)) is None


def test_chance_in_a_short_text_is_not() -> None:
    for text in (ENGLISH[:1200], "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(20_000))):
        vocabulary = Vocabulary.of([text])
        assert shift_warning(*split(vocabulary.encode(text), 0.1, 8), vocabulary) is None


def test_nothing_in_common_is_one_bit_and_the_same_none() -> None:
    ids, vocabulary = np.repeat(np.arange(4, dtype=np.uint8), 50_000), Vocabulary("abcd")
    halves = Passages(ids, [(0, 100_000)]), Passages(ids, [(100_000, 200_000)])
    assert divergence(*halves, vocabulary) == pytest.approx(1, abs=1e-3)
    assert divergence(halves[0], halves[0], vocabulary) == 0.0


def test_nothing_held_out_is_no_kind() -> None:
    ids = np.zeros(50, dtype=np.uint8)
    assert shift_warning(Passages(ids), Passages(ids, []), Vocabulary("a")) is None
