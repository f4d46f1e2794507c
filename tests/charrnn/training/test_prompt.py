"""The prompt that suits a model: a short, natural beginning that it knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.prompt import LONGEST, default_prompt
from charrnn.vocabulary import Vocabulary
from charrnn.word_tokens import tokens
from charrnn.words import WordVocabulary


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("First Citizen:\nBefore we proceed", "First Citizen:"),
        ("\n\n  \n   ACT I\nSCENE", "ACT I"),
        ("It was the best of times, it was the worst", "It was the best of"),
        ("/* a comment without an end", "/* a comment without an"),
        ("x" * 100, "x" * LONGEST),
        ("e\u0301" * 100, "e\u0301" * (LONGEST // 2)),
        ("\u4f60\u597d\u4e16\u754c" * 9, "\u4f60\u597d\u4e16\u754c" * 6),
        ("one\r\ntwo", "one"),
        ("tab\tseparated\tvalues\tof some length", "tab\tseparated\tvalues\tof"),
        ("\x1b[0m\nplain", "plain"),
        (" \n\t\n", ""),
    ],
)
def test_the_first_words_of_a_text(text: str, prompt: str) -> None:
    vocabulary = Vocabulary.of([text])
    assert default_prompt(vocabulary.encode(text), vocabulary) == prompt


def test_words_that_are_not_known_are_left_out() -> None:
    vocabulary = WordVocabulary(("to", " ", "be", "\n", "or", "not"))
    for text, prompt in (("to be seen", "to be"), ("Zounds\nto be", "to be"), ("Zounds", "")):
        assert default_prompt(vocabulary.encode_tokens(tokens(text)), vocabulary) == prompt


TEXTS = st.text(
    st.sampled_from("aB \n\t'\u0301\u200d\u4f60\x1b") | st.characters(codec="utf-8"), min_size=1, max_size=200
)


@given(TEXTS, st.integers(1, 200))
def test_a_prompt_is_short_and_known_whatever_the_text(text: str, known: int) -> None:
    characters, words = Vocabulary.of([text]), WordVocabulary.of([text[:known]])
    for vocabulary, ids in ((characters, characters.encode(text)), (words, words.encode_tokens(tokens(text)))):
        prompt = default_prompt(ids, vocabulary)
        assert len(prompt) <= LONGEST and prompt in text
        assert prompt == "" or vocabulary.encode(prompt).size
