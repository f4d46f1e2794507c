"""The data of a run over records: which to train on, and which are held out; knows no networks but to measure them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.marks import MarkedVocabulary
from charrnn.model import CharRNN
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.task import Task
from charrnn.training.batches import RecordBatches, RecordSteps
from charrnn.training.config import TrainingConfig
from charrnn.training.evaluation import record_evaluation
from charrnn.training.gradients import SEQUENCES, Norms, norms_back
from charrnn.training.samples import PROMPT
from charrnn.training.shards import Shards
from charrnn.training.text import Segment
from charrnn.vocabulary import Ids

SAMPLES: Final = 3


@dataclass(frozen=True, eq=False, slots=True)
class TrainingRecords:
    """The records of a corpus: their `steps`; which of them are `held_out` [records]; the vocabulary and the
    arrangement; and what the training record is to say about the corpus (`corpus`, plain JSON: name, sha256;
    `warnings`, a sentence each)."""

    steps: RecordSteps
    held_out: npt.NDArray[np.bool_]
    vocabulary: MarkedVocabulary
    arrangement: Arrangement
    corpus: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def task(self) -> Task:
        """The task, with the vocabulary."""
        return self.arrangement.bound(self.vocabulary)


class RecordData:
    """Records as a run reads them: `streams` are those to train on. Raises ValueError when there are none."""

    def __init__(self, records: TrainingRecords, config: TrainingConfig) -> None:
        self.vocabulary = records.vocabulary
        self.arrangement = records.arrangement
        self.corpus = dict(records.corpus)
        self._steps = records.steps
        self._held_out = np.flatnonzero(records.held_out)
        self._training = np.flatnonzero(~records.held_out)
        if not self._training.size:
            raise ValueError("there are no records to train on")
        self._task = records.task
        self.predicts_next = self._task.one_target
        reads_labels = records.arrangement.labels and self._task.reads_labels
        boundary = records.vocabulary.boundary
        self.streams = RecordBatches(
            records.steps,
            self._training,
            config.batch_size,
            config.segment_length,
            seed=config.seed,
            boundary=boundary if reads_labels else None,
            hidden_as=boundary if self.predicts_next else None,
        )
        self.prompt = self._beginning()
        self.prompts = self._prompts()
        self.warnings = [*records.warnings]

    @property
    def training_tokens(self) -> int:
        """How many inputs there are to train on."""
        return self.streams.tokens

    @property
    def held_out_tokens(self) -> int:
        """How many inputs are held out."""
        return int(self._steps.lengths_of(self._held_out).sum())

    @property
    def counts(self) -> dict[str, Any]:
        """What the training record says of the number of records."""
        return {"records": {"training": self._training.size, "validation": self._held_out.size}}

    @property
    def sizes(self) -> tuple[int, int]:
        """The approximate number of tokens in a step, and that of the held-out records."""
        return max(1, self.streams.tokens // self.streams.segments), self.held_out_tokens

    def segment(self, index: int, characters: int) -> Segment:
        """The segment of the current epoch with this index, after so many tokens have been read in the whole run."""
        return self.streams.segment(index, characters // self.streams.tokens)

    def evaluation(self, model: CharRNN, shards: Shards) -> Iterator[float | None]:
        """The held-out loss, as `charrnn.training.evaluation.evaluation`; nothing if nothing is held out."""
        if self._held_out.size:
            yield from record_evaluation(model, self._steps, self._held_out, shards)

    def gradient_norms(self, model: CharRNN, segment_length: int) -> Norms:
        """How far back the loss at the end of a record reaches, as `charrnn.training.gradients`."""
        lengths = self._steps.lengths_of(self._training)
        steps = max(0, min(segment_length, int(np.median(lengths)) - 1))
        long_enough = self._training[lengths > steps]
        chosen = long_enough[np.linspace(0, long_enough.size - 1, SEQUENCES).astype(np.int64)]
        last = self._steps.bounds[chosen + 1] - 1  # the last step of a record always counts
        windows = self._steps.inputs[last[:, None] + np.arange(-steps, 1)].astype(np.int64)
        return norms_back(model, windows, self._steps.targets[last].astype(np.int64))

    def _prompts(self) -> list[Ids]:
        """What samples begin with: what is read before anything is written, of records spread over those that are held
        out, or over all; of the first without its label. None if labels are written."""
        if self.arrangement.writes_labels:
            return []
        records = self._held_out if self._held_out.size else self._training
        some = np.unique(np.linspace(0, records.size - 1, SAMPLES).astype(np.int64))
        prompts = [self._opening(record) for record in records[some].tolist()]
        return [self._task.read(prompts[0][:0]), *prompts[1:]] if self._task.writes_text else prompts

    def _beginning(self) -> str:
        """The beginning of what is read of the first record before anything is written, without marks: a prompt that
        suits the model."""
        first = int(self._training[0])
        ids = self._ids(first) if self.arrangement.writes_labels else self._opening(first)
        return self.vocabulary.decode(self._task.text_of(ids)[:PROMPT])

    def _opening(self, record: int) -> Ids:
        """The inputs of a record up to the first that has a target."""
        counted = self._steps.targets[slice(*self._steps.bounds[record : record + 2].tolist())] >= 0
        return self._ids(record)[: int(np.argmax(counted)) + 1]

    def _ids(self, record: int) -> Ids:
        """All inputs of a record."""
        return np.asarray(self._steps.inputs[slice(*self._steps.bounds[record : record + 2].tolist())], dtype=np.int32)
