"""Why a generation can fail, one class for each reason that callers treat differently."""

from __future__ import annotations

from typing import Final


class BusyError(Exception):
    """As many sequences as possible are active and waiting; `retry_after` is in seconds."""

    def __init__(
        self, limit: int, retry_after: int = 1, of: str = "sequences are waiting already (MAX_WAITING)"
    ) -> None:
        self.retry_after = retry_after
        super().__init__(f"{limit} {of}: try again in {retry_after} s")


class NeverFitsError(ValueError):
    """More texts at once than a process can have active and waiting, so that trying again would not help."""

    def __init__(self, limit: int, n: int) -> None:
        super().__init__(f"n must be at most {limit} (MAX_ACTIVE + MAX_WAITING), not {n}")


GENERATED: Final = "(prompt if echoed + length) x n x (1 + logprobs), and all ids if wanted, of all prompts together"
"""How many values a reply with generated texts has."""


class ReplyTooLargeError(ValueError):
    """The reply would have more values than allowed: `size`, as `counted`; `param` contributes most."""

    def __init__(self, limit: int, size: int, param: str, counted: str = GENERATED) -> None:
        self.param = param
        super().__init__(f"{counted}, must be at most {limit} (MAX_REPLY_VALUES), not {size}")


class ItemError(ValueError):
    """One of the prompts or texts in the list `field` is invalid, number `index` from 0, with this `error`."""

    def __init__(self, field: str, index: int, error: Exception) -> None:
        super().__init__(f"{field}[{index}]: {error}")
        self.field, self.index, self.error = field, index, error


class SamplingIdsError(ValueError):
    """A field of sampling, `param`, names ids that the model does not have, or none that it could generate."""

    def __init__(self, param: str, message: object) -> None:
        super().__init__(f"{param}: {message}")
        self.param = param


class LengthTooShortError(ValueError):
    """No text that fits has as few tokens as `length`: the shortest has `shortest`, one is `example`, without the
    `skipped` characters of the pattern, which the model does not know. The message continues the field's name."""

    def __init__(self, length: int, shortest: int, example: str, skipped: tuple[str, ...] = ()) -> None:
        self.shortest, self.example, self.skipped = shortest, example, skipped
        super().__init__(f"must be at least {shortest}, the tokens of the shortest text that fits, not {length}")


class BesidePatternError(ValueError):
    """A field, `param`, has a value that it cannot have beside a pattern."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(f"{param} {message}")
        self.param = param


class InvalidContinuationError(ValueError):
    """A text cannot go on from a token: `reason` says what is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"continue: {reason}")


class OtherModelError(ValueError):
    """A text is to go on with another version than it began with."""

    def __init__(self, given: str, name: str, version: int) -> None:
        super().__init__(f"model must be omitted with continue, or be {name}@{version}, which began it, not {given!r}")


class RecordEndedError(ValueError):
    """A prompt is to follow a record that has ended."""

    def __init__(self) -> None:
        super().__init__("prompt must be omitted: the record to continue has ended, and nothing can follow")


class NoKnownTextsError(ValueError):
    """It is not known which texts a version was trained on, so not which ones are new either."""

    def __init__(self, name: str, version: int) -> None:
        super().__init__(
            f"novel: it is not known which records {name} version {version} was trained on; it is of versions that this"
            " service has trained on records"
        )


class EventIdError(ValueError):
    """A stream cannot go on after an event: there is none with this id, or the request does not say its seed."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Last-Event-ID {message}")


class ClosedError(Exception):
    """The process is shutting down and accepts nothing new."""


class DeadlineError(Exception):
    """The request exceeded its time limit, `timeout` seconds; the work was dropped."""

    def __init__(self, timeout: float) -> None:
        super().__init__(f"the text was not finished within {timeout:g} s (timeout, REQUEST_TIMEOUT)")


class ClientGoneError(Exception):
    """The client has disconnected; the work was dropped."""


class ModelUnavailableError(Exception):
    """The version exists but cannot be loaded, and there is no earlier one to serve instead."""
