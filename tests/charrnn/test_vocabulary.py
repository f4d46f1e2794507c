from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.marks import MarkedVocabulary
from charrnn.vocabulary import SHORT, UnknownCharactersError, Vocabulary
from charrnn.words import WordVocabulary

HELLO = Vocabulary("ehlo")
anything = st.text(st.characters(exclude_categories=()), min_size=1, max_size=3 * SHORT)


def test_a_character_is_its_index() -> None:
    assert HELLO.encode("hello").tolist() == [1, 0, 2, 2, 3]
    assert HELLO.decode([1, 0, 2, 2, 3]) == "hello"
    assert HELLO.encode("").tolist() == []
    assert len(HELLO) == 4


@given(anything)
def test_every_text_comes_back_from_its_own_vocabulary(text: str) -> None:
    vocabulary = Vocabulary.of([text])
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int32
    assert vocabulary.decode(ids) == text


@given(anything, anything)
def test_unknown_characters_are_all_found_where_they_stand(known: str, text: str) -> None:
    vocabulary = Vocabulary.of([known])
    unknown = [(position, c) for position, c in enumerate(text) if c not in known]
    ids, dropped = vocabulary.encode_known(text)
    assert dropped == unknown
    assert vocabulary.decode(ids) == "".join(c for c in text if c in known)
    if unknown:
        with pytest.raises(UnknownCharactersError) as caught:
            vocabulary.encode(text)
        assert caught.value.unknown == unknown
    else:
        assert vocabulary.encode(text).tolist() == ids.tolist()


def test_the_message_lists_the_first_ten() -> None:
    with pytest.raises(UnknownCharactersError, match=r"12 characters outside.*'x' at 0, .*'x' at 9 and 2 more"):
        HELLO.encode("x" * 12)


@pytest.mark.parametrize(("characters", "start"), [("\n ab", 0), (" ab", 0), ("!ab", 0), ("\t\nab", 1)])
def test_an_empty_prompt_follows_a_lines_end_or_a_space(characters: str, start: int) -> None:
    assert Vocabulary(characters).start_id == start


@pytest.mark.parametrize("characters", ["", "ba", "aa"])
def test_characters_must_be_distinct_and_ascending(characters: str) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary(characters)


@pytest.mark.parametrize("ids", [[4], [-1], [0, 99]])
def test_ids_outside_the_vocabulary_have_no_text(ids: list[int]) -> None:
    with pytest.raises(IndexError, match="ids must be from 0 to 3"):
        HELLO.decode(ids)


MARKED = MarkedVocabulary(HELLO, 2)
WORDS = WordVocabulary(("the", " ", "cat", "sat", "."))


@pytest.mark.parametrize("vocabulary", [HELLO, WORDS, MARKED, MarkedVocabulary(WORDS, 1)])
@given(data=st.data())
def test_many_texts_are_decoded_at_once_as_one_by_one(vocabulary: Vocabulary, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.lists(st.integers(0, len(vocabulary) - 1), max_size=9)))
    ids = np.array([id_ for text in texts for id_ in text], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, texts)])
    assert vocabulary.decode_each(ids, offsets) == [vocabulary.decode(text) for text in texts]
