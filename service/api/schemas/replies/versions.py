"""A version in a reply, in full and in lists; what is wrong with a damaged one is in `damaged`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from charrnn.config import ModelConfig
from charrnn.record import TrainingRecord
from charrnn.tasks.record import TaskName, Unit
from model_store.errors import DamagedVersionError, NotFoundError
from model_store.faults import Faults
from model_store.store import ModelStore, VersionInfo
from service.api.schemas.replies.common import OrNull, closed
from service.training.evaluation import KIND as EVALUATION
from service.training.units import KIND as CELLS

GRADIENTS_URL = "URL of its gradients, if its record has them"
CELLS_URL = "URL of what its cells follow, if recorded"
EVALUATION_URL = "URL of what was measured on held-out records, if it was"


class WithDamage(TypedDict):
    """What is added to what is damaged."""

    damaged: NotRequired[str]


def with_damage(found: list[str]) -> WithDamage:
    """The field with what is wrong, in one sentence; empty if nothing is."""
    sentence = "; ".join(filter(None, found))
    return {"damaged": sentence} if sentence else {}


@closed
class VersionReply(TypedDict):
    """A version: its architecture, its training record, and the aliases that point to it. A damaged one has neither
    digest nor architecture, unless only the files beside it are damaged."""

    model: str
    version: int
    digest: str | None
    bytes: int
    published: str
    aliases: list[str]
    config: ModelConfig | None
    record: dict[str, Any]
    gradients: Annotated[str | None, Field(description=GRADIENTS_URL)]
    cells: Annotated[str | None, Field(description=CELLS_URL)]
    evaluation: Annotated[str | None, Field(description=EVALUATION_URL)]
    damaged: NotRequired[Annotated[str, Field(default="", description="only if damaged: what is wrong")]]


def version_reply(store: ModelStore, faults: Faults, name: str, number: int) -> VersionReply:
    """A version; for a damaged one what is known without reading its file. Raises NotFoundError."""
    size, published = store.size_and_time(name, number)
    outside: VersionReply = {
        "model": name,
        "version": number,
        "digest": None,
        "bytes": size,
        "published": published,
        "aliases": _aliases_of(number, store.aliases(name)),
        "config": None,
        "record": {},
        "gradients": None,
        "cells": None,
        "evaluation": None,
    }
    try:
        entry = store.describe(name, number)
    except DamagedVersionError as error:
        return {**outside, **with_damage([error.reason])}
    return {
        **outside,
        "digest": entry.digest,
        "config": entry.config,
        "record": _shown(entry.record),
        "gradients": _gradients_url(entry),
        "cells": _cells_url(faults, name, number),
        "evaluation": _evaluation_url(faults, name, number),
        **with_damage([faults.of_version(name, number)]),
    }


@closed
class VersionSummary(TypedDict):
    """A version in a list; if its file is `damaged`, nothing else is known."""

    version: int
    aliases: list[str]
    published: NotRequired[OrNull[str]]
    bytes: NotRequired[OrNull[int]]
    config: NotRequired[OrNull[ModelConfig]]
    task: NotRequired[OrNull[TaskName]]
    unit: NotRequired[OrNull[Unit]]
    bits_per_character: NotRequired[Annotated[OrNull[float], Field(description="measured on held-out text")]]
    prompt: NotRequired[Annotated[OrNull[str], Field(description="a suitable prompt: the first words of its corpus")]]
    gradients: NotRequired[Annotated[OrNull[str], Field(description=GRADIENTS_URL)]]
    cells: NotRequired[Annotated[OrNull[str], Field(description=CELLS_URL)]]
    damaged: NotRequired[Annotated[OrNull[str], Field(description="what is wrong with its file")]]


def version_summary(
    store: ModelStore, faults: Faults, name: str, version: int, aliases: dict[str, int]
) -> VersionSummary | None:
    """A version in a list; None if it has just been deleted."""
    known: VersionSummary = {"version": version, "aliases": _aliases_of(version, aliases)}
    try:
        entry = store.describe(name, version)
        return {
            **known,
            "published": entry.published,
            "bytes": entry.bytes,
            "config": entry.config,
            "task": entry.record.arrangement.task,
            "unit": entry.record.arrangement.unit,
            "bits_per_character": entry.record.bits_per_character,
            "prompt": entry.record.prompt,
            "gradients": _gradients_url(entry),
            "cells": _cells_url(faults, name, version),
            **with_damage([faults.of_version(name, version)]),
        }
    except DamagedVersionError as error:
        return {**known, **with_damage([error.reason])}
    except NotFoundError:
        return None


def _shown(record: TrainingRecord) -> dict[str, Any]:
    """The training record with its task, unit and labels, but without the gradients, which have a route."""
    kept = {name: value for name, value in record.json.items() if name != "gradients"}
    return {**kept, **record.arrangement.shown()}


def _aliases_of(version: int, aliases: dict[str, int]) -> list[str]:
    return sorted(alias for alias, held in aliases.items() if held == version)


def _gradients_url(entry: VersionInfo) -> str | None:
    """The URL of the version's gradients, if its training record has them."""
    return f"/models/{entry.name}/versions/{entry.version}/gradients" if entry.record.gradients else None


def _cells_url(faults: Faults, name: str, version: int) -> str | None:
    """The URL of what the version's cells follow, if they were searched."""
    return f"/models/{name}/versions/{version}/cells" if faults.has_sound(name, version, CELLS) else None


def _evaluation_url(faults: Faults, name: str, version: int) -> str | None:
    """The URL of what was measured of the version, if it was."""
    return f"/models/{name}/versions/{version}/evaluation" if faults.has_sound(name, version, EVALUATION) else None
