"""What can go wrong between an uploaded text and a published model, one class a kind; knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence


class TrainingError(Exception):
    """Anything that is refused here; the message is fit for its user."""


class CorpusError(TrainingError, ValueError):
    """A text that cannot be a corpus."""


class TooLargeError(CorpusError):
    """An upload is over the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"a corpus may have at most {limit} bytes, and this one has more")


class EmptyCorpusError(CorpusError):
    """An upload has no text in it."""


class IncompleteUploadError(CorpusError):
    """An upload ended before all its bytes were received."""


class BinaryCorpusError(CorpusError):
    """An upload is no text."""


class EncodingError(CorpusError):
    """A text is not UTF-8 and its encoding cannot be detected; `position` is the first bad byte's, from 0."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        super().__init__(message)


class UnclearEncodingError(EncodingError):
    """A text is not UTF-8, and several encodings are plausible: `guesses` has the likeliest encodings, each with a
    line of the text as it would read."""

    def __init__(self, position: int, message: str, guesses: Sequence[tuple[str, str]]) -> None:
        self.guesses = tuple(guesses)
        super().__init__(position, message)


class UnknownEncodingError(CorpusError):
    """The declared encoding is not the name of any."""

    def __init__(self, name: str) -> None:
        super().__init__(f"encoding must be the name of an encoding of text, such as cp1252, not {name[:60]!r}")


class DeclaredEncodingError(EncodingError):
    """A text is not in its declared encoding."""


class CorpusNotFoundError(TrainingError, LookupError):
    """There is no such corpus."""


class CorpusDamagedError(TrainingError):
    """A corpus is there and cannot be used; `reason` says what is wrong with it."""

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


class JobNotFoundError(TrainingError, LookupError):
    """There is no such job."""


class JobDamagedError(TrainingError):
    """A job's request cannot be read any more; `reason` says what is wrong with it."""

    def __init__(self, job: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"job {job} cannot be read: {reason}; it can be deleted")


class JobUnfinishedError(TrainingError):
    """A job that has not ended cannot be deleted."""


class JobFinishedError(TrainingError):
    """A job that has ended cannot be changed any more."""


class LeaseHeldError(TrainingError):
    """Another worker runs this job."""


class LeaseLostError(TrainingError):
    """Another worker has taken this run over: nothing may be written to it any more."""


class QueueDownError(TrainingError):
    """The queue cannot be reached; the job is kept on disk and will be found there."""
