"""The replies of `/models`; what is wrong with a damaged model is in `damaged`, and other models are still listed."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from model_store.aliases import AliasChange
from model_store.faults import Faults
from model_store.store import ModelStore
from service.api.schemas.replies.common import closed
from service.api.schemas.replies.versions import (
    VersionReply,
    VersionSummary,
    version_reply,
    version_summary,
    with_damage,
)

History = dict[str, list[AliasChange]]
DamagedField = Annotated[str, Field(default="", description="only if damaged: what is wrong with it or its versions")]


@closed
class ModelReply(TypedDict):
    """A model: its versions, its aliases, and their history."""

    name: str
    aliases: dict[str, int]
    history: History
    versions: list[VersionReply]
    damaged: NotRequired[DamagedField]


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
class ModelsReply(TypedDict):
    """All models."""

    models: list[ModelSummary]


def model_reply(store: ModelStore, faults: Faults, name: str) -> ModelReply:
    """A model with its versions, and its aliases with their history. Raises NotFoundError."""
    aliases = store.aliases(name)
    return {
        "name": name,
        "aliases": aliases,
        "history": _history(store, name, aliases),
        "versions": [version_reply(store, faults, name, number) for number in store.versions(name)],
        **with_damage(faults.of(name)),
    }


def model_summary(store: ModelStore, faults: Faults, name: str, *, with_details: bool) -> ModelSummary:
    """A model in a list; `with_details` includes all versions, ascending, and the history of its aliases."""
    summary: ModelSummary = {
        "name": name,
        "versions": store.versions(name),
        "aliases": store.aliases(name),
    }
    summary = {**summary, **with_damage(faults.of(name))}
    if with_details:
        aliases = store.aliases(name)
        found = (version_summary(store, faults, name, version, aliases) for version in store.versions(name))
        summary["details"] = [each for each in found if each is not None]
        summary["history"] = _history(store, name, aliases)
    return summary


def _history(store: ModelStore, name: str, aliases: dict[str, int]) -> History:
    return {alias: list(store.history(name, alias)) for alias in aliases}
