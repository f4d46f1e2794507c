"""The required fields of a run's small files that have no class of their own, so that damaged files are detected."""

from __future__ import annotations

from typing import (
    Any,
    Final,
    NotRequired,  # required by pydantic before Python 3.12
)

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

_MORE: Final = ConfigDict(extra="allow")


@with_config(_MORE)
class WarningsFile(TypedDict):
    """The warnings about a job's result."""

    warnings: list[str]


@with_config(_MORE)
class Request(TypedDict):
    """The fields that every job's request has."""

    created: str
    corpus: str
    model: str
    budget: dict[str, Any]


@with_config(_MORE)
class Intent(TypedDict):
    """What is about to be published: the checkpoint's digest, the latest version before it, its sidecars by kind, and
    the digests of `earlier` workers, which may have published theirs after all."""

    digest: str
    after: int
    earlier: NotRequired[list[str]]
    beside: NotRequired[dict[str, dict[str, Any]]]


@with_config(_MORE)
class Attempts(TypedDict):
    """How many workers died in a row at one step."""

    step: int
    deaths: int


@with_config(_MORE)
class LeaseFile(TypedDict):
    """The token of the lease's holder."""

    token: int
    released: bool


REQUEST: Final = TypeAdapter(Request)
WARNINGS: Final = TypeAdapter(WarningsFile)
INTENT: Final = TypeAdapter(Intent)
ATTEMPTS: Final = TypeAdapter(Attempts)
LEASE: Final = TypeAdapter(LeaseFile)
