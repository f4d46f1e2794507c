"""What a run reads: the text that it trains on, the text that is held out, and what is said of them; knows no
network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charrnn.training.config import TrainingConfig
from charrnn.training.prompt import default_prompt
from charrnn.training.samples import prompts_for
from charrnn.training.shift import shift_warning
from charrnn.training.text import Streams, TextIds, split
from charrnn.vocabulary import Vocabulary


class TrainingData:
    """A text [any number of ids, any integer type, possibly a memory map] as a run reads it: `streams` of what it
    trains on, `held_out` what it does not. `corpus` is what the training record is to say about the text (plain JSON:
    name, sha256), `prompt` a beginning that suits a network trained on it, `prompts` those of a run's samples,
    `warning` a sentence where the two parts differ in kind. Raises ValueError when the text is too short."""

    def __init__(
        self, ids: TextIds, vocabulary: Vocabulary, training: TrainingConfig, corpus: Mapping[str, Any]
    ) -> None:
        text, self.held_out = split(
            ids, training.validation_fraction, training.segment_length, training.validation_split
        )
        self.text = text
        self.vocabulary = vocabulary
        self.corpus = dict(corpus)
        self.streams = Streams(text, training.batch_size, training.segment_length)
        self.prompt = default_prompt(ids, vocabulary)
        self.prompts = prompts_for(text, self.held_out, vocabulary)
        self.warning = shift_warning(text, self.held_out, vocabulary)

    @property
    def sizes(self) -> tuple[int, int]:
        """Characters of a step, about, and of the held-out text."""
        return max(1, self.streams.characters // self.streams.segments), len(self.held_out)
