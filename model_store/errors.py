"""The errors of the store, one class for each kind; knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Kind = Literal["model", "version", "alias"]


class StoreError(Exception):
    """Anything that the store refuses; the message can be shown to users."""


class InvalidNameError(StoreError, ValueError):
    """A model's or alias's name that could leave the store, or could be a version's number."""


class NotFoundError(StoreError, LookupError):
    """Something does not exist; `kind` says what."""

    def __init__(self, kind: Kind, message: str) -> None:
        self.kind: Kind = kind
        super().__init__(message)


class CurrentAliasError(StoreError):
    """`current` is the alias that a model's name alone stands for; it cannot be deleted."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"current is the default version of {name}: it can point to another version, but cannot be deleted"
        )


class AliasedError(StoreError):
    """A version cannot be deleted while `aliases` point to it."""

    def __init__(self, name: str, version: int, aliases: Sequence[str]) -> None:
        self.aliases = tuple(aliases)
        super().__init__(f"version {version} of {name} cannot be deleted while {', '.join(aliases)} points to it")


class NoEarlierVersionError(StoreError):
    """There is nothing to roll back to."""


class DamagedVersionError(StoreError):
    """A version's file is not as published; `reason` says what is wrong with it."""

    def __init__(self, name: str, version: int, reason: str) -> None:
        self.reason = reason
        super().__init__(f"version {version} of {name} cannot be used: {reason}")
