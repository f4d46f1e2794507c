"""The JSON of models and versions; a damaged one says what is wrong with it in `damaged`, and hides no other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from model_store.errors import DamagedVersionError
from model_store.faults import Faults
from model_store.store import ModelStore
from service.api.routes.gradients import described_at
from service.training.units import KIND

Json = dict[str, Any]


def summary(store: ModelStore, faults: Faults, name: str) -> Json:
    """A model in a list."""
    return {"name": name, "versions": store.versions(name), "aliases": store.aliases(name)} | damaged(faults.of(name))


def model(store: ModelStore, faults: Faults, name: str) -> Json:
    """A model with its versions and what its aliases stood for. Raises NotFoundError."""
    aliases = store.aliases(name)
    history = {alias: [asdict(change) for change in store.history(name, alias)] for alias in aliases}
    versions = [version(store, faults, name, number) for number in store.versions(name)]
    return {"name": name, "aliases": aliases, "history": history, "versions": versions} | damaged(faults.of(name))


def version(store: ModelStore, faults: Faults, name: str, number: int) -> Json:
    """A version; of a damaged one that which its file tells from outside. Raises NotFoundError."""
    size, published = store.size_and_time(name, number)
    aliases = sorted(alias for alias, held in store.aliases(name).items() if held == number)
    told = {"model": name, "version": number, "digest": None, "bytes": size, "published": published}
    told |= {"aliases": aliases, "config": None, "record": {}, "gradients": None, "cells": None}
    try:
        entry = store.describe(name, number)
    except DamagedVersionError as error:
        return told | damaged([error.reason])
    return told | {
        "digest": entry.digest,
        "config": asdict(entry.config),
        "record": {name: value for name, value in entry.record.json.items() if name != "gradients"},
        "gradients": described_at(name, number) if entry.record.gradients else None,
        "cells": cells_at(store, name, number),
        **damaged([faults.of_version(name, number)]),
    }


def damaged(found: list[str]) -> Json:
    """What is wrong, in one sentence; nothing when nothing is."""
    said = "; ".join(filter(None, found))
    return {"damaged": said} if said else {}


def cells_at(store: ModelStore, name: str, version: int) -> str | None:
    """Where it is told what the version's cells follow, if that was found out."""
    return None if store.kept(name, version, KIND) is None else f"/models/{name}/versions/{version}/cells"
