"""What the cells of a network that is about to be published follow; failing here costs no more than that knowledge."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.native import NativeEngine
from charrnn.interpretation.survey import TooShortError, survey
from durable.reading import DamagedFileError
from model_store.errors import StoreError
from model_store.store import ModelStore
from service.training.excerpts import Excerpt

log = logging.getLogger(__name__)

KIND: Final = "cells"
"""What this is called beside a version."""

Cells = dict[str, Any]
Check = Callable[[], None]
FindCells = Callable[[Checkpoint, Excerpt, Check], Cells | None]


def find_cells(checkpoint: Checkpoint, excerpt: Excerpt, check: Check = lambda: None) -> Cells | None:
    """What is found along parts of the text that the network was trained on, as plain JSON; None when there is too
    little of it. `check` is called many times a second and may raise to end it."""
    ids, _ = checkpoint.vocabulary.encode_known(excerpt.text)
    engine = NativeEngine(checkpoint, checkpoint.record["fidelity"]["precision"])
    try:
        return survey(engine, checkpoint.vocabulary, ids, held_out=excerpt.held_out, check=check).as_dict()
    except TooShortError as error:
        log.info("no cells are looked for: %s", error)
        return None


def keep_cells(store: ModelStore, name: str, version: int, cells: Cells | None) -> None:
    """Keep what was found beside the version."""
    if cells is None:
        return
    try:
        store.keep(name, version, KIND, cells)
    except (OSError, StoreError, DamagedFileError) as error:
        log.warning("what the cells of %s@%d follow could not be kept: %s", name, version, error)


def in_words(cells: Cells) -> str:
    """What was found, for a terminal; empty when no cell follows anything."""
    if not cells["cells"]:
        return ""
    text = "text that was held out" if cells["measured_on"]["held_out"] else "the text it was trained on"
    found = [
        f"  {each['follows']}: {each['part']} of layer {each['layer']}, unit {each['unit']}"
        f" ({each['measure']} {each['score']:.2f}, by chance {each['chance']:.2f})"
        for each in cells["cells"]
    ]
    return "\n".join([f"what its cells follow, along {text}:", *found])
