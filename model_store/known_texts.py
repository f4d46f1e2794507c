"""The texts that a version was trained on, as a compact set kept beside it."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from charrnn import novelty
from charrnn.novelty import KnownTexts
from durable.reading import DamagedFileError
from model_store.store import ModelStore

log = logging.getLogger(__name__)

KIND: Final = "texts"
"""The kind of sidecar."""


def keep_known_texts(store: ModelStore, name: str, version: int, known: KnownTexts) -> None:
    """Keep the set beside the version, as long as the version exists. Raises NotFoundError, OSError."""
    store.keep_bytes(name, version, KIND, known.to_bytes())


def known_texts(store: ModelStore, name: str, version: int) -> KnownTexts | None:
    """The version's set; None where there is none, or none that can be read. Raises
    NotFoundError."""
    path = store.bytes_path(name, version, KIND)
    with suppress(FileNotFoundError):
        try:
            return novelty.load(path)
        except DamagedFileError as error:
            log.error("%s version %d: what it was trained on cannot be read: %s", name, version, error)
    return None
