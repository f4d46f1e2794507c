"""What a list of models tells of each version when `details` are asked for, so that one request fills a page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import request

from model_store.errors import DamagedVersionError, NotFoundError
from model_store.faults import Faults
from model_store.store import ModelStore, VersionRecord
from service.api.http.errors import ApiError, shown
from service.api.openapi.described import Parameter
from service.api.routes.gradients import described_at
from service.api.schemas.model_json import cells_at, damaged

DETAILS: Final = Parameter(
    "details",
    "`true`: include all versions and the aliases' history, in `details` and `history`",
    schema={"type": "boolean", "default": False},
)


def wanted() -> bool:
    """Whether the request asks for details. Raises ApiError 422 for what is neither true nor false."""
    given = request.args.get("details", "false")
    if given not in ("true", "false"):
        raise ApiError(422, "invalid_value", f"details must be true or false, not {shown(given)}", "details")
    return given == "true"


def details(store: ModelStore, faults: Faults, name: str) -> dict[str, Any]:
    """Every version of the model, ascending, and the history of its aliases."""
    aliases = store.aliases(name)
    versions = [_version(store, faults, name, version, aliases) for version in store.versions(name)]
    history = {alias: [asdict(change) for change in store.history(name, alias)] for alias in aliases}
    return {"details": [each for each in versions if each is not None], "history": history}


def _version(
    store: ModelStore, faults: Faults, name: str, version: int, aliases: dict[str, int]
) -> dict[str, Any] | None:
    """A version in short; None when it was deleted at this moment."""
    held = {"version": version, "aliases": sorted(alias for alias, of in aliases.items() if of == version)}
    try:
        told = held | _described(store.describe(name, version)) | {"cells": cells_at(store, name, version)}
        return told | damaged([faults.of_version(name, version)])
    except DamagedVersionError as error:
        return held | damaged([error.reason])
    except NotFoundError:
        return None


def _described(entry: VersionRecord) -> dict[str, Any]:
    return {
        "published": entry.published,
        "bytes": entry.bytes,
        "config": asdict(entry.config),
        "bits_per_character": entry.record.bits_per_character,
        "prompt": entry.record.prompt,
        "gradients": described_at(entry.name, entry.version) if entry.record.gradients else None,
    }
