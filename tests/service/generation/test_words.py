"""A model of words behind the same requests as one of characters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import UnknownCharactersError
from charrnn.words import WordVocabulary
from service.generation.choice_builder import ChoiceBuilder
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest

WORDS = WordVocabulary(("to", " ", "be", "\n"))


def ask(**fields: Any) -> GenerationRequest:
    return GenerationRequest(**{"model": "words", "prompt": "be\n", "length": 5, "seed": 0, **fields})


@pytest.fixture(autouse=True)
def words(store: Any, engine: Any) -> None:
    config = ModelConfig(len(WORDS), "rnn", hidden_size=1)
    weights = {name: np.ones(shape, np.float32) for name, shape in config.shapes().items()}
    store.put("words", Checkpoint(config, WORDS, weights))
    engine.size = len(WORDS.words)


def test_a_token_is_a_word(generator: TextGenerator) -> None:
    made = generator.generate(ask(echo=True))
    assert (made.choices[0].text, made.choices[0].completion_tokens, made.prompt_tokens) == ("be\nto be\nto", 5, 2)
    assert generator.generate(ask(prompt="")).choices[0].text == "to be\nto"


def test_logarithms_are_those_of_words(generator: TextGenerator) -> None:
    choice = generator.generate(ask(sampling=SamplingParams(logprobs=2))).choices[0]
    assert choice.logprobs is not None
    assert [token.token for token in choice.logprobs] == ["to", " ", "be", "\n", "to"]


@pytest.mark.parametrize(
    ("stop", "text", "tokens"),
    [(("be",), "to ", 3), (("e\nt",), "to b", 5), (("o b",), "t", 3), (("x",), "to be\nto", 5)],
)
def test_a_stop_text_may_begin_and_end_within_words(
    generator: TextGenerator, stop: tuple[str, ...], text: str, tokens: int
) -> None:
    choice = generator.generate(ask(stop=stop, sampling=SamplingParams(logprobs=0))).choices[0]
    assert (choice.text, choice.completion_tokens) == (text, tokens)
    assert choice.logprobs is not None
    assert "".join(token.token for token in choice.logprobs).startswith(text)
    assert text.startswith("".join(token.token for token in choice.logprobs[:-1]))


def test_a_stream_gives_what_the_whole_has(generator: TextGenerator) -> None:
    whole = generator.generate(ask(length=50, stop=("\nto be\nbe",), read_cache=False))
    pieces = generator.stream(ask(length=50, stop=("\nto be\nbe",), read_cache=False)).pieces
    assert "".join(each[1].text for each in pieces if each) == whole.choices[0].text


def test_ids_are_no_text_that_is_read_again(generator: TextGenerator) -> None:
    """ "be" and "to" are two words to the network, and one that it does not know when their text is read."""
    asked = ask(prompt=(2, 0), echo=True, length=1, sampling=SamplingParams(logprobs=0))
    made = generator.generate(asked)
    choice = made.choices[0]
    assert choice.logprobs is not None
    assert (choice.text, made.prompt_tokens) == ("beto ", 2)
    assert [token.token for token in choice.logprobs] == ["be", "to", " "]
    assert generator.generate(asked).cached
    with pytest.raises(UnknownCharactersError):
        generator.generate(replace(asked, prompt="beto"))


def test_unknown_words_are_refused_or_skipped(generator: TextGenerator) -> None:
    with pytest.raises(UnknownCharactersError, match="1 word outside the vocabulary: 'bee' at 3") as caught:
        generator.generate(ask(prompt="to bee\n"))
    assert caught.value.unknown == [(3, "bee")]
    made = generator.generate(ask(prompt="to bee\n", skip_unknown=True))
    assert (made.choices[0].text, made.prompt_tokens, made.skipped) == ("to be\nto", 3, ((3, "bee"),))


def test_the_unknown_token_is_not_among_the_likeliest() -> None:
    builder = ChoiceBuilder(WORDS, np.array([0], np.int32), ask(sampling=SamplingParams(logprobs=2)), 0)
    top = Logprobs(np.zeros(1, np.float32), np.array([[2, 4]], np.int32), np.array([[-1, -9]], np.float32))
    builder.add(Output(0, np.array([2], np.int32), True, top))
    piece = builder.take()
    assert piece.logprobs is not None
    assert piece.logprobs[0].top == (("be", -1.0),)
