"""The data of a run: the text to train on, the held-out text, prompts and a warning; knows no networks but to
measure them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from charrnn.model import CharRNN
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.training.config import TrainingConfig
from charrnn.training.evaluation import evaluation
from charrnn.training.gradients import Norms, gradient_norms
from charrnn.training.prompt import default_prompt
from charrnn.training.samples import prompts_for
from charrnn.training.shards import Shards
from charrnn.training.shift import shift_warning
from charrnn.training.text import Segment, Streams, TextIds, split
from charrnn.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False, slots=True)
class TrainingText:
    """A whole text: its `ids` [tokens], of any integer type, possibly a memory map; their vocabulary; and what the
    training record is to say about the text (`corpus`, plain JSON: name, sha256), with `warnings`, a sentence each."""

    ids: TextIds
    vocabulary: Vocabulary
    corpus: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


class TrainingData:
    """A text as a run reads it: `training` is the part to train on, read as `streams`; `held_out` is the other part;
    `prompt` suits a network trained on this text; `prompts` are those of samples; `warnings` has a sentence if the
    two parts differ in kind. Raises ValueError when the text is too short."""

    def __init__(self, text: TrainingText, config: TrainingConfig) -> None:
        self.vocabulary = text.vocabulary
        self.arrangement: Arrangement = TEXT
        self.predicts_next = False  # beside its targets, which are the next tokens
        self.corpus = dict(text.corpus)
        self.training, self.held_out = split(
            text.ids, config.validation_fraction, config.segment_length, config.validation_split
        )
        self.streams = Streams(self.training, config.batch_size, config.segment_length)
        self.prompt = default_prompt(text.ids, text.vocabulary)
        self.prompts = prompts_for(self.training, self.held_out, text.vocabulary)
        shift = shift_warning(self.training, self.held_out, text.vocabulary)
        self.warnings = [*text.warnings, *([] if shift is None else [shift])]

    @property
    def training_tokens(self) -> int:
        """How many tokens there are to train on."""
        return len(self.training)

    @property
    def held_out_tokens(self) -> int:
        """How many tokens are held out."""
        return len(self.held_out)

    @property
    def counts(self) -> dict[str, Any]:
        """What the training record says of the number of records: nothing, there are none."""
        return {}

    def segment(self, index: int, characters: int) -> Segment:  # noqa: ARG002 (the same in every epoch)
        """The segment with this index, after so many tokens have been read in the whole run."""
        return self.streams.segment(index)

    def evaluation(self, model: CharRNN, shards: Shards) -> Iterator[float | None]:
        """The held-out loss, as `charrnn.training.evaluation.evaluation`; nothing if nothing is held out."""
        return evaluation(model, self.held_out, shards=shards) if len(self.held_out) else iter(())

    def gradient_norms(self, model: CharRNN, segment_length: int) -> Norms:
        """How far back the loss reaches, as `charrnn.training.gradients`."""
        return gradient_norms(model, self.training, segment_length)

    @property
    def sizes(self) -> tuple[int, int]:
        """The approximate number of tokens in a step, and that of the held-out text."""
        return max(1, self.streams.tokens // self.streams.segments), len(self.held_out)
