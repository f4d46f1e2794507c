"""The errors from an uploaded text to a published model, one class for each kind; knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self


class TrainingError(Exception):
    """Anything that is refused here; the message can be shown to users."""


class CorpusError(TrainingError, ValueError):
    """A text that cannot be a corpus."""


class TooLargeError(CorpusError):
    """An upload is over the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"a corpus may have at most {limit} bytes, and this one has more")


class EmptyCorpusError(CorpusError):
    """An upload has no text."""


class IncompleteUploadError(CorpusError):
    """An upload ended before all its bytes were received."""


class BinaryCorpusError(CorpusError):
    """An upload is not a text."""


class EncodingError(CorpusError):
    """A text is not UTF-8 and its encoding cannot be detected; `position` is the first bad byte's, from 0."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        super().__init__(message)


class UnclearEncodingError(EncodingError):
    """A text is not UTF-8, and several encodings are plausible: `guesses` has the likeliest encodings, each with a line
    of the text as decoded with it."""

    def __init__(self, position: int, message: str, guesses: Sequence[tuple[str, str]]) -> None:
        self.guesses = tuple(guesses)
        super().__init__(position, message)


class UnknownEncodingError(CorpusError):
    """The declared encoding does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"encoding must be the name of an encoding of text, such as cp1252, not {name[:60]!r}")


class DeclaredEncodingError(EncodingError):
    """A text is not in its declared encoding."""


class RecordsError(CorpusError):
    """A corpus is not made of records as it was said to be; `line` is where, from 1, if that is one place, and `field`
    the parameter that may be wrong."""

    def __init__(self, message: str, line: int | None = None, field: str = "corpus") -> None:
        self.line = line
        self.field = field
        super().__init__(message)


class CorpusNotFoundError(TrainingError, LookupError):
    """There is no such corpus."""


class CorpusDamagedError(TrainingError):
    """A corpus exists but cannot be used; `reason` says what is wrong with it."""

    def __init__(self, corpus: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"corpus {corpus} cannot be used: {reason}; upload the same text again to repair it, or delete it"
        )


class CorpusInUseError(TrainingError):
    """A corpus cannot be deleted while `jobs` need it."""

    def __init__(self, corpus: str, jobs: Sequence[str]) -> None:
        self.jobs = tuple(jobs)
        super().__init__(f"corpus {corpus} cannot be deleted while {', '.join(jobs)} needs it")


class JobRequestError(TrainingError, ValueError):
    """A field of a job's request is out of bounds; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)

    @classmethod
    def of(cls, error: ValueError) -> Self:
        """The same for a message that begins with the field's name."""
        return cls(str(error).split(" ", 1)[0], str(error))


class JobNotFoundError(TrainingError, LookupError):
    """There is no such job."""


class JobDamagedError(TrainingError):
    """A job's request can no longer be read; `reason` says what is wrong with it."""

    def __init__(self, job: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"job {job} cannot be read: {reason}; it can be deleted")


class JobUnfinishedError(TrainingError):
    """A job that has not ended cannot be deleted."""


class JobFinishedError(TrainingError):
    """A job that has ended can no longer be changed."""


class LeaseHeldError(TrainingError):
    """Another worker runs this job."""


class LeaseLostError(TrainingError):
    """Another worker has taken over this run: this one may no longer write to it."""


class QueueDownError(TrainingError):
    """The queue cannot be reached; the job is stored on disk, where workers find it."""
