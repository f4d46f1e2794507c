"""Keeps what was found out about a new version beside it; knows nothing of its content."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.sidecars import Sidecar
from model_store.store import ModelStore

log = logging.getLogger(__name__)


def keep(store: ModelStore, name: str, version: int, beside: Mapping[str, Sidecar]) -> None:
    """Store the sidecars, by kind, beside the version; an error is only logged, because the version is usable without
    them."""
    for kind, value in beside.items():
        try:
            store.keep(name, version, kind, value)
        except (OSError, StoreError, DamagedFileError) as error:
            log.warning("the %s of %s@%d could not be kept: %s", kind, name, version, error)
