"""What can keep a generation from being made, for callers to tell apart."""

from __future__ import annotations


class BusyError(Exception):
    """Every place is taken and as many requests wait as may; `retry_after` is in seconds."""

    def __init__(
        self, limit: int, retry_after: int = 1, of: str = "sequences are waiting already (MAX_WAITING)"
    ) -> None:
        self.retry_after = retry_after
        super().__init__(f"{limit} {of}: try again in {retry_after} s")


class NeverFitsError(ValueError):
    """More texts at once than a process has places for: no waiting helps."""

    def __init__(self, limit: int, n: int) -> None:
        super().__init__(f"n must be at most {limit} (MAX_ACTIVE + MAX_WAITING), not {n}")


class ReplyTooLargeError(ValueError):
    """The reply would have more values than one may: `size`, of all prompts together; above all by `param`."""

    def __init__(self, limit: int, size: int, param: str) -> None:
        self.param = param
        counted = "(prompt if echoed + length) x n x (1 + logprobs), and all ids if wanted, of all prompts together"
        super().__init__(f"{counted}, must be at most {limit} (MAX_REPLY_VALUES), not {size}")


class PromptError(ValueError):
    """One of several prompts is at fault, number `place` from 0; `error` says how."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(f"prompt[{place}]: {error}")
        self.place, self.error = place, error


class SamplingIdsError(ValueError):
    """A field of sampling, `param`, names ids that the model does not have, or none that it could generate."""

    def __init__(self, param: str, message: object) -> None:
        super().__init__(f"{param}: {message}")
        self.param = param


class ClosedError(Exception):
    """The process is shutting down and takes nothing new."""


class DeadlineError(Exception):
    """The request took longer than it may; the work was dropped. `timeout` is in seconds."""

    def __init__(self, timeout: float) -> None:
        super().__init__(f"the text was not finished within {timeout:g} s (timeout, REQUEST_TIMEOUT)")


class ClientGoneError(Exception):
    """Whoever asked has hung up; the work was dropped."""


class ModelUnavailableError(Exception):
    """The version exists and could not be loaded, and no earlier one is there to stand in."""
