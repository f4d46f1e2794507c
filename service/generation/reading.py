"""Many texts are read together: all of them are checked before the first is read, and all are in the batch; what is
read, and what becomes of the outputs, is the caller's business."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Items
from dataclasses import dataclass

from charrnn.engine.base import Engine, Output, Sequence
from charrnn.tasks.record import MAX_RECORD
from charrnn.vocabulary import Ids, UnknownCharactersError, Vocabulary
from service.generation.cancellation import CancelScope
from service.generation.errors import ItemError
from service.generation.requests import Skipped
from service.generation.resident import ResidentModel
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.submission import Submission
from service.generation.scheduling.waiting import Submitted
from service.generation.tasks import SeparatorError, check_record


def encoded(model: ResidentModel, texts: Iterable[str], field: str = "texts") -> list[Ids]:
    """The ids of each text. Raises ItemError for the first that has unknown characters, or is more than one record."""
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(ids_of(model, text))
        except (UnknownCharactersError, SeparatorError) as error:
            raise ItemError(field, index, error) from error
    return found


def ids_of(model: ResidentModel, text: str) -> Ids:
    """The ids of a text. Raises UnknownCharactersError, SeparatorError."""
    check_record(model, text)
    return model.vocabulary.encode(text)


class RecordLengthError(ValueError):
    """A record has no token that the model knows, or too many characters."""


@dataclass(frozen=True, eq=False, slots=True)
class ReadRecord:
    """A whole record as it is read: the `ids` [n] of its known tokens, and what was skipped."""

    ids: Ids
    skipped: Skipped = ()

    def tokens(self, vocabulary: Vocabulary) -> Iterator[tuple[int, int, bool]]:
        """Where each of its tokens begins and ends, in characters, and whether it is known."""
        unknown = dict(self.skipped)
        at = 0
        for token in vocabulary.tokens_of(self.ids):
            while at in unknown:
                yield at, at + len(unknown[at]), False
                at += len(unknown[at])
            yield at, at + len(token), True
            at += len(token)
        while at in unknown:
            yield at, at + len(unknown[at]), False
            at += len(unknown[at])


def read_records(
    model: ResidentModel, texts: Iterable[str], *, skip_unknown: bool = False, field: str = "texts"
) -> list[ReadRecord]:
    """The texts as whole records, which may have any known characters. Raises ItemError for the first that is empty,
    longer than a record may be, or has unknown characters."""
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(_record(model, text, skip_unknown))
        except (UnknownCharactersError, RecordLengthError) as error:
            raise ItemError(field, index, error) from error
    return found


def _record(model: ResidentModel, text: str, skip_unknown: bool) -> ReadRecord:
    if len(text) > MAX_RECORD:
        raise RecordLengthError(f"a record must have at most {MAX_RECORD} characters, not {len(text)}")
    ids, skipped = model.vocabulary.encode_known(text) if skip_unknown else (model.vocabulary.encode(text), [])
    if not ids.size:
        raise RecordLengthError("a record must have at least 1 token that the model knows, not 0")
    return ReadRecord(ids, tuple(skipped))


def outputs_of(
    scheduler: Scheduler, sequences: Items[tuple[Engine, Sequence]], scope: CancelScope
) -> list[list[Output]]:
    """The outputs of each of the sequences, which may be of several versions, once all have ended: as many advance at
    once as may be active. Raises what `Scheduler.submit`, the scope and the engines raise; the rest is then
    cancelled."""
    wake = threading.Event()
    outputs: list[list[Output]] = [[] for _ in sequences]
    scheduled = [
        (engine, ScheduledSequence(sequence, found.append, wake))
        for (engine, sequence), found in zip(sequences, outputs, strict=True)
    ]
    run_all(scheduler, scheduled, wake, scope)
    return outputs


def run_all(scheduler: Scheduler, scheduled: Items[Submitted], wake: threading.Event, scope: CancelScope) -> None:
    """Submit the sequences, which share `wake`, and return once all have ended. Raises what `outputs_of` raises."""
    scope.check()
    Submission(scheduler, scheduled, wake, helps=True).wait(scope)
    scope.check()  # a step in this thread is not interrupted
    for _, each in scheduled:
        if each.error is not None:
            raise each.error
