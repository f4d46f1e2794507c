"""What a reader gives out does not depend on when it reads, and one that is late reads all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Output
from charrnn.vocabulary import Ids, Vocabulary
from service.generation.reading import ChoiceReader
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


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=20), st.sampled_from([(), ("ab", "c")]))
def test_read_late_or_at_once_the_choice_is_the_same(pieces: list[list[int]], stop: tuple[str, ...]) -> None:
    request = GenerationRequest("letters", prompt="a", stop=stop)
    late, prompt = (ChoiceReader(Vocabulary(LETTERS), PROMPT, request, 0) for _ in range(2))
    late.read(outputs(pieces))
    for output in outputs(pieces):
        prompt.read([output])
    assert late.choice() == prompt.choice()


def test_a_thousand_outputs_are_made_into_one_text() -> None:
    vocabulary = CountingVocabulary(LETTERS)
    reader = ChoiceReader(vocabulary, PROMPT, GenerationRequest("letters", prompt="a"), 0)
    assert reader.read(outputs([[1]] * 1000)).text == "b" * 1000
    assert vocabulary.decoded == 1
