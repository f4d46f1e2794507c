"""Words to ids and back: exact, whatever the text."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from charrnn.word_tokens import tokens
from charrnn.words import MAX_WORDS, UNKNOWN, WordVocabulary, described
from tests.charrnn.texts import TRICKY


@given(TRICKY.filter(bool))
def test_a_known_text_comes_back_exactly(text: str) -> None:
    vocabulary = WordVocabulary.of([text])
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert "".join(vocabulary.tokens_of(vocabulary.encode(text))) == text


def test_the_most_frequent_words_are_known() -> None:
    names = [
        f"{a}{b}{c}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "aeiouxyz" for c in "abcdefghijklmnopqrstuvwxyz"
    ]
    text = " ".join([*names, *names, "once"] * 2 + ["twice", "twice"])
    vocabulary = WordVocabulary.of([text, " ".join(f"{name}{name}" for name in names * 2)])
    assert len(vocabulary) == MAX_WORDS + 1
    assert vocabulary.words[0] == " "
    assert set(names) <= set(vocabulary.words)


def test_unknown_words_are_listed_with_their_positions() -> None:
    vocabulary = WordVocabulary.of(["to be, or not to be"])
    with pytest.raises(UnknownCharactersError, match="2 words outside the vocabulary: 'see' at 3, '!' at 10") as caught:
        vocabulary.encode("to see not!")
    assert caught.value.unknown == [(3, "see"), (10, "!")]
    ids, dropped = vocabulary.encode_known("to see not!")
    assert (vocabulary.decode(ids), dropped) == ("to  not", [(3, "see"), (10, "!")])
    counted = vocabulary.encode_tokens(["to", "see"])
    assert counted.tolist() == [vocabulary.words.index("to"), vocabulary.unknown_id]
    assert vocabulary.decode(counted) == f"to{UNKNOWN}"


def test_ids_outside_the_vocabulary_are_refused() -> None:
    with pytest.raises(IndexError, match="ids must be from 0 to 2, not 3 to 3"):
        WordVocabulary(("a", " ")).decode([3])


NEIGHBOURS = WordVocabulary(
    ("a", "\u0301", "b" * 62, "c" * 63, "d" * 64, "'", "\u2019", "\r", "\n", "\r\n", " ", ".", "1", "\u4f60")
)


@pytest.mark.parametrize("before", range(-1, len(NEIGHBOURS.words)))
def test_what_may_not_follow_is_what_would_be_read_otherwise(before: int) -> None:
    words, following = NEIGHBOURS.words, NEIGHBOURS.following
    for last in range(len(words)):
        given = [words[id_] for id_ in (before, last) if id_ >= 0]
        if tokens("".join(given)) != given:
            continue  # such a prompt may be given as ids
        mask = following.mask(np.array([before, last][before < 0 :], np.int32))
        kept = [mask is None or mask[id_] == 0 for id_ in range(len(words))]
        assert kept == [tokens("".join([*given, word])) == [*given, word] for word in words]
        assert mask is None or mask[NEIGHBOURS.unknown_id] == -np.inf


def test_after_a_character_anything_may_follow() -> None:
    assert Vocabulary("ab").following is None


@pytest.mark.parametrize("words", [(), ("a", "a"), ("a b",), ("",)])
def test_a_vocabulary_that_cannot_be(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        WordVocabulary(words)


@pytest.mark.parametrize(("text", "start"), [("b\n a", "\n"), ("b\r\n a", "\r\n"), ("b a", " "), ("b", "b")])
def test_an_empty_prompt_follows_a_lines_end_or_a_space(text: str, start: str) -> None:
    vocabulary = WordVocabulary.of([text])
    assert vocabulary.words[vocabulary.start_id] == start


def test_a_vocabulary_is_extended_without_moving_its_words() -> None:
    longer = WordVocabulary(("b", " ")).extended(WordVocabulary(("a", "b")))
    assert longer == WordVocabulary(("b", " ", "a"))
    assert Vocabulary("bd").extended(Vocabulary("ad")) == Vocabulary("abd")


def test_a_checkpoint_keeps_either_kind_of_vocabulary(tmp_path: Path) -> None:
    for vocabulary in (WordVocabulary(("to", " ", "be")), Vocabulary(" bet")):
        config = ModelConfig(4, "rnn", hidden_size=2)
        weights = {name: np.ones(shape, np.float32) for name, shape in config.shapes().items()}
        path = tmp_path / "version"
        path.write_bytes(Checkpoint(config, vocabulary, weights).to_bytes())
        loaded = checkpoints.load(path)
        assert loaded.vocabulary == vocabulary
        assert loaded.vocabulary.level == vocabulary.level


@pytest.mark.parametrize("description", [{"level": "sentence", "words": ["a"]}, {"words": ["a"]}, {"level": "word"}])
def test_a_description_of_no_vocabulary(description: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)):
        described(description)
