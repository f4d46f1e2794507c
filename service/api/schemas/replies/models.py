"""The replies of `/models`; what is wrong with a damaged model is in `damaged`, and other models are still listed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from durable.listing import FilesCache
from model_store.aliases import AliasChange
from model_store.errors import NotFoundError
from model_store.faults import Faults
from model_store.store import ModelStore
from service.api.schemas.replies.common import Paged, closed
from service.api.schemas.replies.versions import (
    VersionReply,
    VersionSummary,
    version_reply,
    version_summary,
    with_damage,
)

MOST_DETAILS: Final = 100
"""How many of a model's versions a list of models describes, besides those that aliases point to."""
MOST_CHANGES: Final = 100
"""How many of an alias's changes are shown."""

History = dict[str, list[AliasChange]]
DamagedField = Annotated[str, Field(default="", description="only if damaged: what is wrong with it or its versions")]


@closed
class ModelReply(Paged):
    """A model: a page of its versions, the newest first, its aliases, and their history."""

    name: str
    aliases: dict[str, int]
    history: History
    versions: list[VersionReply]
    damaged: NotRequired[DamagedField]


@closed
class AliasReply(Paged):
    """An alias: a page of its changes, the newest first."""

    model: str
    alias: str
    version: int
    changes: list[AliasChange]


@closed
class ModelSummary(TypedDict):
    """A model in a list."""

    name: str
    versions: list[int]
    aliases: dict[str, int]
    details: NotRequired[Annotated[list[VersionSummary], Field(default=[], description="only with `details=true`")]]
    history: NotRequired[Annotated[History, Field(default={}, description="only with `details=true`")]]
    damaged: NotRequired[DamagedField]


@closed
class ModelsReply(Paged):
    """A page of the models, the newest first."""

    models: list[ModelSummary]


def model_reply(store: ModelStore, faults: Faults, name: str, numbers: Sequence[int], paged: Paged) -> ModelReply:
    """A model with these of its versions, and its aliases with their history. Raises NotFoundError."""
    aliases = store.aliases(name)
    found = []
    for number in numbers:
        with suppress(NotFoundError):  # deleted meanwhile
            found.append(version_reply(store, faults, name, number))
    return {
        "name": name,
        "aliases": aliases,
        "history": _history(store, name, aliases),
        "versions": found,
        **with_damage(faults.of(name)),
        **paged,
    }


class ModelSummaries:
    """Models in a list; their versions are described again only after something in a model's folder has changed."""

    def __init__(self, store: ModelStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._described: FilesCache[dict[int, VersionSummary | None]] = FilesCache(lambda _: {})

    def of(self, name: str, *, with_details: bool) -> ModelSummary:
        """A model; `with_details` includes its latest versions, ascending, and the history of its aliases. Raises
        NotFoundError."""
        numbers, aliases = self._store.versions(name), self._store.aliases(name)
        damage = self._faults.of(name)
        summary: ModelSummary = {"name": name, "versions": numbers, "aliases": aliases}
        summary = {**summary, **with_damage(damage)}
        if with_details:
            shown = sorted({*numbers[-MOST_DETAILS:], *aliases.values()} & {*numbers})
            known = {} if damage else self._described.of(self._store.root / name)
            for number in shown:
                if number not in known:
                    known[number] = version_summary(self._store, self._faults, name, number, aliases)
            summary["details"] = [each for number in shown if (each := known[number]) is not None]
            summary["history"] = _history(self._store, name, aliases)
        return summary


def _history(store: ModelStore, name: str, aliases: dict[str, int]) -> History:
    return {alias: list(store.history(name, alias)[-MOST_CHANGES:]) for alias in aliases}
