"""What the small files of a run that have no class of their own hold at least, so that damaged ones are recognised."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic wants it until 3.12

_MORE: Final = ConfigDict(extra="allow")


@with_config(_MORE)
class WarningsFile(TypedDict):
    """What to know about a job's result."""

    warnings: list[str]


@with_config(_MORE)
class Request(TypedDict):
    """What a job was asked to do, as far as every job was."""

    created: str
    corpus: str
    model: str
    budget: dict[str, Any]


@with_config(_MORE)
class Intent(TypedDict):
    """What is about to be published: the checkpoint's digest, and the version that it comes after."""

    digest: str
    after: int


@with_config(_MORE)
class Attempts(TypedDict):
    """How many workers died in a row at one step."""

    step: int
    deaths: int


@with_config(_MORE)
class LeaseFile(TypedDict):
    """Who may write."""

    token: int
    released: bool


OBJECT: Final = TypeAdapter(dict[str, Any])
REQUEST: Final = TypeAdapter(Request)
WARNINGS: Final = TypeAdapter(WarningsFile)
INTENT: Final = TypeAdapter(Intent)
ATTEMPTS: Final = TypeAdapter(Attempts)
LEASE: Final = TypeAdapter(LeaseFile)
