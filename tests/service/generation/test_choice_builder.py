"""A choice does not depend on when its outputs are taken, and outputs that were left to wait are decoded at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Logprobs, Output
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from service.generation.choice_builder import ChoiceBuilder
from service.generation.pieces import Piece
from service.generation.requests import GenerationRequest

LETTERS = "abcdefghij"
PROMPT = np.zeros(1, dtype=np.int32)


class CountingVocabulary(Vocabulary):
    """Counts how often it is asked for a text."""

    decoded = 0

    def decode(self, ids: Ids | Sequence[int]) -> str:
        self.decoded += 1
        return super().decode(ids)


def outputs(pieces: list[list[int]]) -> list[Output]:
    last = len(pieces) - 1
    return [Output(1, np.array(piece, dtype=np.int32), at == last) for at, piece in enumerate(pieces)]


def taken(builder: ChoiceBuilder, *outputs: Output) -> Piece:
    """What the builder makes of these outputs, as far as they come before its end."""
    for output in outputs:
        if builder.add(output):
            break
    return builder.take()


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=20), st.sampled_from([(), ("ab", "c")]))
def test_taken_late_or_at_once_the_choice_is_the_same(pieces: list[list[int]], stop: tuple[str, ...]) -> None:
    request = GenerationRequest("letters", prompt="a", stop=stop, with_ids=True)
    late, prompt = (ChoiceBuilder(Vocabulary(LETTERS), PROMPT, request, 0) for _ in range(2))
    taken(late, *outputs(pieces))
    for output in outputs(pieces):
        if prompt.finish_reason is None:
            taken(prompt, output)
    assert late.choice() == prompt.choice()


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=12),
    st.sampled_from([("ab", "c"), ("abc", "b"), ("dd",)]),
    st.integers(0, 8),
    st.booleans(),
)
def test_a_sequence_ends_with_the_token_that_completes_a_stop_text(
    pieces: list[list[int]], stop: tuple[str, ...], min_tokens: int, include: bool
) -> None:
    request = GenerationRequest("letters", prompt="a", stop=stop, min_tokens=min_tokens, include_stop=include)
    builder = ChoiceBuilder(Vocabulary(LETTERS), PROMPT, request, 0)
    for output in outputs(pieces):
        ended = builder.add(output)
        builder.take()
        assert ended == (builder.finish_reason is not None)
        if ended:
            break
    whole = "".join(LETTERS[id_] for piece in pieces for id_ in piece)
    ends = [at + len(each) for each in stop for at in range(len(whole)) if whole.startswith(each, at)]
    counted = [end for end in ends if end > min_tokens]
    choice = builder.choice()
    assert choice.finish_reason == ("stop" if counted else "length")
    assert choice.completion_tokens == min(counted, default=len(whole))
    if counted:
        longest = max(len(each) for each in stop if whole[: min(counted)].endswith(each))
        assert choice.text == whole[: min(counted) - (0 if include else longest)]


def test_a_thousand_outputs_are_made_into_one_text() -> None:
    vocabulary = CountingVocabulary(LETTERS)
    builder = ChoiceBuilder(vocabulary, PROMPT, GenerationRequest("letters", prompt="a"), 0)
    assert taken(builder, *outputs([[1]] * 1000)).text == "b" * 1000
    assert vocabulary.decoded == 1


@pytest.mark.parametrize("stop", [(), ("zz",)])
def test_each_id_is_decoded_once(stop: tuple[str, ...]) -> None:
    vocabulary = CountingVocabulary(LETTERS)
    builder = ChoiceBuilder(vocabulary, PROMPT, GenerationRequest("letters", prompt="a", stop=stop), 0)
    for output in outputs([[1, 2], [3], [4]]):
        taken(builder, output)
    assert (builder.choice().text, vocabulary.decoded) == ("bcde", 3)


WORDS = WordVocabulary(("to", " ", "before", "\n"))


def told(pieces: list[list[int]]) -> list[Output]:
    """The outputs with the logarithms of each token, and those of a prompt of two with the first."""
    made = outputs(pieces)
    for output in made:
        output.logprobs = logarithms(len(output.ids))
    made[0].prompt_logprobs = logarithms(2)
    return made


def logarithms(n: int) -> Logprobs:
    return Logprobs(-np.arange(n, dtype=np.float32), np.zeros((n, 1), np.int32), np.zeros((n, 1), np.float32))


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=8),
    st.sampled_from([(), ("rebe",), ("e\nb", "fore ")]),
    st.booleans(),
    st.integers(1, 5),
)
def test_pieces_cut_anywhere_tell_the_same(
    pieces: list[list[int]], stop: tuple[str, ...], echo: bool, at_once: int
) -> None:
    request = GenerationRequest("w", stop=stop, echo=echo, sampling=SamplingParams(logprobs=1))
    builder = ChoiceBuilder(WORDS, np.array([2, 1], np.int32), request, 0)
    made = told(pieces)
    if not echo:
        made[0].prompt_logprobs = None
    parts = []
    for output in made:
        if builder.finish_reason is None:
            cut = taken(builder, output).parts()
            parts += [cut.between(at, min(at + at_once, len(cut))) for at in range(0, len(cut), at_once)]
    choice = builder.choice()
    assert "".join(part.text for part in parts) == choice.text
    tokens = [token for part in parts for token in part.logprobs or ()]
    assert tokens == list(choice.logprobs or ())
    assert [part.finish_reason for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert parts[-1].finish_reason == choice.finish_reason
    given, begins = 0, 0
    for part in parts:  # a token is told with the text that it begins
        for token in part.logprobs or ():
            assert given <= begins < given + len(part.text)
            begins += len(token.token)
        given += len(part.text)
