"""What a version was measured to find of the records held out from its training, kept beside it."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from charrnn.held_out_scores import HeldOutScores
from model_store.errors import NotFoundError
from model_store.store import ModelStore

KIND: Final = "scores"
"""The kind of sidecar."""


def held_out_scores(store: ModelStore, name: str, version: int) -> HeldOutScores | None:
    """The scores of the version's held-out records; None where they were not measured or cannot be read."""
    with suppress(NotFoundError, KeyError, TypeError, ValueError):
        kept = store.kept(name, version, KIND)
        return None if kept is None else HeldOutScores.from_dict(kept)
    return None
