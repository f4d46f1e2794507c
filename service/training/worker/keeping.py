"""Keeps what was found out about a new version beside it; knows nothing of its content."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

from charrnn.novelty import KnownTexts
from durable import space
from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.known_texts import KIND as KNOWN
from model_store.known_texts import keep_known_texts
from model_store.sidecars import Sidecar
from model_store.store import ModelStore

log = logging.getLogger(__name__)


def keep(
    store: ModelStore, name: str, version: int, beside: Mapping[str, Sidecar], known: KnownTexts | None = None
) -> None:
    """Store the sidecars, by kind, and the known texts beside the version; an error is only logged, because the version
    is usable without them. Raises OSError if the disk is full or read-only, or no descriptor is left: that passes."""
    steps = {kind: partial(store.keep, name, version, kind, value) for kind, value in beside.items()}
    if known is not None:
        steps[KNOWN] = partial(keep_known_texts, store, name, version, known)
    for kind, step in steps.items():
        try:
            step()
        except (OSError, StoreError, DamagedFileError) as error:
            if space.passes(error):
                raise
            log.warning("the %s of %s@%d could not be kept: %s", kind, name, version, error)
