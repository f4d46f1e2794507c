"""Measures a network that is about to be published on what was held out from its training, and searches its units: what
is kept beside the version. An error is only logged, so that the training is not lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from charrnn.checkpoint import Checkpoint
from charrnn.interpretation.survey import MIN_TOKENS, most_characters
from charrnn.training.data import TrainingText
from charrnn.training.record_data import TrainingRecords
from charrnn.training.text import Passages
from charrnn.vocabulary import Ids
from model_store.held_out import KIND as SCORES
from model_store.sidecars import Sidecar
from service.training.corpora.ids import Check
from service.training.evaluation import KIND as EVALUATION
from service.training.evaluation import evaluation
from service.training.excerpts import Excerpt, excerpt_of, excerpt_of_records
from service.training.jobs.run import Run
from service.training.units import KIND as UNITS
from service.training.units import FindUnits
from service.training.worker.held_out import lines_of, measure, texts_of

log = logging.getLogger(__name__)

GoOn = Callable[[], bool]
"""Returns False when the time is over; raises StoppedError when the job is to stop."""

NO_TIME: Final = (
    "there was no time left to search for what the cells follow; POST /models/NAME/versions/VERSION/cells still can"
)


class StoppedError(Exception):
    """The job was cancelled, or its worker is stopping."""


class _LateError(Exception):
    """The job's minutes are used up."""


class Measuring:
    """Measures the `checkpoint` of a job's run, trained on `source`, of which a text's `held_out` part was not read.
    `check` is called many times a second, and raises StoppedError when the job is to stop; `clock` is in seconds."""

    def __init__(
        self,
        run: Run,
        checkpoint: Checkpoint,
        source: TrainingText | TrainingRecords,
        held_out: Passages,
        *,
        check: Check,
        clock: Callable[[], float],
    ) -> None:
        self._run = run
        self._checkpoint = checkpoint
        self._source = source
        self._held_out = held_out
        self._check = check
        self._clock = clock

    def on_held_out(self, seconds: float) -> dict[str, Sidecar]:
        """How likely the network finds what was held out, and how good it is on it, by the kind of sidecar; each takes
        at most so many seconds."""
        found = {kind: self._in_time(each, seconds) for kind, each in self._measures.items()}
        return {kind: value for kind, value in found.items() if value is not None}

    def units(self, find: FindUnits, path: Path, seconds: float) -> dict[str, Sidecar]:
        """What the units follow along some of the text, the file at `path`, or of the records, if `find` finds it in so
        many seconds."""
        until, record = self._clock() + seconds, self._checkpoint.record

        def check() -> None:
            self._check()
            if self._clock() > until:
                raise _LateError

        try:
            found = find(self._checkpoint, self._excerpt(path), check)
            return {} if found is None else {UNITS: found}
        except StoppedError:
            raise
        except _LateError:
            log.warning("job %s: %s", self._run.id, NO_TIME)
            self._run.warn(record.steps, [*record.warnings, NO_TIME])
        except Exception:
            log.exception("job %s continues without a search for what its cells follow", self._run.id)
        return {}

    @property
    def _measures(self) -> dict[str, Callable[[GoOn], Sidecar | None]]:
        return {SCORES: self._scores, EVALUATION: self._evaluation}

    def _in_time(self, measured: Callable[[GoOn], Sidecar | None], seconds: float) -> Sidecar | None:
        until = self._clock() + seconds

        def go_on() -> bool:
            self._check()
            return self._clock() < until

        try:
            return measured(go_on)
        except StoppedError:
            raise
        except Exception:
            log.exception("job %s continues without a measurement of its held-out records", self._run.id)
            return None

    def _scores(self, go_on: GoOn) -> Sidecar | None:
        """How likely each of the held-out records is, or each line."""
        texts = self._texts()
        found = None if texts is None else measure(self._checkpoint, texts, go_on)
        return None if found is None else found.as_dict()

    def _texts(self) -> Iterator[Ids] | None:
        """The held-out records, or lines, that a generated text can be compared with."""
        source = self._source
        if isinstance(source, TrainingText):
            return lines_of(self._held_out, source.vocabulary)
        return texts_of(source.steps, source.held_out, source.task) if source.task.writes_text else None

    def _evaluation(self, go_on: GoOn) -> Sidecar | None:
        """How good the network is on the held-out records; a training record says it of an endless text."""
        source = self._source
        if isinstance(source, TrainingText):
            return None
        return evaluation(self._checkpoint, source.steps, source.held_out, go_on)

    def _excerpt(self, path: Path) -> Excerpt:
        """What the units are searched along."""
        source, most = self._source, most_characters(self._checkpoint.config)
        if isinstance(source, TrainingText):
            return excerpt_of(path, self._held_out, source.vocabulary, most, MIN_TOKENS)
        return excerpt_of_records(source.steps, source.held_out, source.task, most, MIN_TOKENS)
