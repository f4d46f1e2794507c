"""Labels records, and their tokens: what a version that writes labels says of texts; knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Sequence as Items
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Output, Sequence
from charrnn.sampling import SamplingParams
from charrnn.tasks.record import TaskName
from charrnn.vocabulary import Ids
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.errors import ReplyTooLargeError
from service.generation.reading import ReadRecord, outputs_of, read_records
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel, ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import check_task


@dataclass(frozen=True, slots=True)
class Classification:
    """The label of a record, and `probabilities` of labels, the likeliest first; `skipped` was not read."""

    probabilities: Items[tuple[str, float]]
    skipped: Skipped = ()

    @property
    def label(self) -> str:
        """The likeliest label."""
        return self.probabilities[0][0]

    @property
    def probability(self) -> float:
        """That of the likeliest label."""
        return self.probabilities[0][1]


@dataclass(frozen=True, slots=True)
class TagSpan:
    """Neighbouring tokens with the same tag, characters `start` to `stop`; `probability` is the mean of theirs, the
    share of the tokens that is expected to have this tag."""

    start: int
    stop: int
    tag: str
    probability: float


@dataclass(frozen=True, slots=True)
class Tagging:
    """The tag of each token of a record, None for one that was `skipped`, and the spans."""

    tags: Items[str | None]
    spans: Items[TagSpan]
    skipped: Skipped = ()


@dataclass(frozen=True, eq=False, slots=True)
class Labelled:
    """What a version says of texts: a result for each."""

    model: str
    version: int


@dataclass(frozen=True, eq=False, slots=True)
class Classifications(Labelled):
    """The labels of texts."""

    results: Items[Classification]


@dataclass(frozen=True, eq=False, slots=True)
class Taggings(Labelled):
    """The tags of texts."""

    results: Items[Tagging]


class Labeller:
    """Labels texts with the scheduler, all texts of a request in the batch together, within `timeout` seconds and
    `max_values` labels. The same text gets the same numbers, always.

    Raises WrongTaskError for a model of another task, ItemError for a fault in one of the texts, before anything is
    computed, ReplyTooLargeError, and what TextGenerator raises.
    """

    def __init__(
        self,
        models: ResidentModels,
        scheduler: Scheduler,
        timeout: float | None = None,
        max_values: int | None = None,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._timeout = timeout
        self._max_values = max_values

    def classify(
        self,
        reference: str,
        texts: Items[str],
        *,
        top: int | None = None,
        skip_unknown: bool = False,
        client: Client = NO_CLIENT,
    ) -> Classifications:
        """The label of each text, and the probabilities of all labels, or of the `top` likeliest."""
        model = self._model(reference, "classify")
        records = read_records(model, texts, skip_unknown=skip_unknown)
        count = min(top or model.config.outputs, model.config.outputs)
        self._check_size(len(texts) * count, "texts x labels; top returns fewer labels", "top")
        sampling = SamplingParams(temperature=0, logprobs=count)
        read = [Sequence(self._read(model, record.ids), 1, sampling) for record in records]
        answers = self._answers(model, read, client)
        results = [_classification(model, *each) for each in zip(records, answers, strict=True)]
        return Classifications(model.name, model.version, results)

    def tag(
        self, reference: str, texts: Items[str], *, skip_unknown: bool = False, client: Client = NO_CLIENT
    ) -> Taggings:
        """The tag of each token of each text: the likeliest after the token, and those of the model's delay after it,
        were read."""
        model = self._model(reference, "tag")
        records = read_records(model, texts, skip_unknown=skip_unknown)
        self._check_size(sum(record.ids.size for record in records), "tokens of all texts", "texts")
        sampling = SamplingParams(temperature=0, logprobs=1)
        read = [Sequence(self._read(model, record.ids), 1, sampling, score=True) for record in records]
        answers = self._answers(model, read, client)
        results = [_tagging(model, *each) for each in zip(records, answers, strict=True)]
        return Taggings(model.name, model.version, results)

    def _model(self, reference: str, task: TaskName) -> ResidentModel:
        model = self._models.get(reference)
        check_task(model, task)
        return model

    def _read(self, model: ResidentModel, ids: Ids) -> Ids:
        return model.arrangement.read(ids, model.vocabulary)

    def _check_size(self, size: int, counted: str, param: str) -> None:
        if self._max_values is not None and size > self._max_values:
            raise ReplyTooLargeError(self._max_values, size, param, counted)

    def _answers(self, model: ResidentModel, read: Items[Sequence], client: Client) -> list[list[Output]]:
        sequences = [(model.engine, sequence) for sequence in read]
        return outputs_of(self._scheduler, sequences, CancelScope(client, self._timeout))


def _classification(model: ResidentModel, record: ReadRecord, outputs: Items[Output]) -> Classification:
    (logprobs,) = (output.logprobs for output in outputs if output.logprobs is not None)
    labels = model.arrangement.labels
    found = zip(logprobs.top_ids[0].tolist(), _probabilities(logprobs.top[0]), strict=True)
    return Classification([(labels[id_], probability) for id_, probability in found], record.skipped)


def _tagging(model: ResidentModel, record: ReadRecord, outputs: Items[Output]) -> Tagging:
    """The likeliest label after each step, from the one on that gives the first token's."""
    found = [each for output in outputs for each in (output.prompt_logprobs, output.logprobs) if each is not None]
    first = 1 + model.arrangement.delay  # before the first step nothing was read
    ids = np.concatenate([each.top_ids[:, 0] for each in found])[first:].tolist()
    probabilities = _probabilities(np.concatenate([each.top[:, 0] for each in found])[first:])
    tagged = iter(zip([model.arrangement.labels[id_] for id_ in ids], probabilities, strict=True))
    tokens = [
        (start, stop, *(next(tagged) if known else (None, math.nan)))
        for start, stop, known in record.tokens(model.vocabulary)
    ]
    return Tagging([tag for _, _, tag, _ in tokens], list(_spans(tokens)), record.skipped)


def _spans(tokens: Items[tuple[int, int, str | None, float]]) -> Iterator[TagSpan]:
    """The spans of the tagged tokens, given as (start, stop, tag, probability); one without a tag ends a span."""
    for tag, group in groupby(tokens, key=lambda token: token[2]):
        if tag is not None:
            members = list(group)
            mean = math.fsum(probability for *_, probability in members) / len(members)
            yield TagSpan(members[0][0], members[-1][1], tag, mean)


def _probabilities(logprobs: npt.NDArray[np.float32]) -> list[float]:
    probabilities: list[float] = np.exp(logprobs.astype(np.float64)).tolist()
    return probabilities
