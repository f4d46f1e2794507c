"""The starter model, included in the service, which serves until another model is published."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.promotion import install_starter
from model_store.store import ModelStore

log = logging.getLogger(__name__)

STARTER_MODEL: Final = "shakespeare"
STARTER_PATH: Final = Path(__file__).parents[1] / "starter" / "shakespeare.safetensors"


def put_starter(store: ModelStore) -> None:
    """Publish the starter model in a new store. A damaged store does not keep the service from starting."""
    try:
        if (version := install_starter(store, STARTER_MODEL, STARTER_PATH)) is not None:
            log.info("the starter model %s version %d was put into the new store", STARTER_MODEL, version)
    except (OSError, StoreError, DamagedFileError) as error:
        log.error("the starter model cannot be put into the store: %s", getattr(error, "strerror", None) or error)
