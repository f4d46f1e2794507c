"""The interpretable units of a network that is about to be published: searched for, and shown in a terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.interpretation.survey import TooShortError, survey
from service.training.excerpts import Excerpt

log = logging.getLogger(__name__)

KIND: Final = "cells"
"""The kind of sidecar that stores them; the HTTP API calls these units cells."""

Units = dict[str, Any]
Check = Callable[[], None]
FindUnits = Callable[[Checkpoint, Excerpt, Check], Units | None]


def find_units(checkpoint: Checkpoint, excerpt: Excerpt, check: Check = lambda: None) -> Units | None:
    """What the units follow along parts of the text that the network was trained on, as plain JSON; None if there is
    too little text. `check` is called many times a second and may raise to stop the search."""
    texts = [checkpoint.vocabulary.encode_known(text)[0] for text in excerpt.texts]
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    try:
        return survey(
            engine,
            checkpoint.config,
            checkpoint.vocabulary,
            [ids for ids in texts if ids.size],
            arrangement=checkpoint.arrangement,
            held_out=excerpt.is_held_out,
            check=check,
        ).as_dict()
    except TooShortError as error:
        log.info("no cells are looked for: %s", error)
        return None


def in_words(units: Units) -> str:
    """The units in words, for a terminal; empty if no unit follows anything."""
    if not units["cells"]:
        return ""
    text = "text that was held out" if units["measured_on"]["held_out"] else "the text it was trained on"
    found = [
        f"  {each['follows']}: {each['part']} of layer {each['layer']}, unit {each['unit']}"
        f" ({each['measure']} {each['score']:.2f}, by chance {each['chance']:.2f})"
        for each in units["cells"]
    ]
    return "\n".join([f"what its cells follow, along {text}:", *found])
