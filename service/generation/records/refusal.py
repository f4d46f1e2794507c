"""Which candidates are refused: those that occurred before in the reply, and those that the model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from charrnn.novelty import KnownTexts
from service.generation.records.distinct_texts import DistinctTexts


class Refusal:
    """Refuses texts in `known`, and with `unique` those that it has seen before."""

    def __init__(self, known: KnownTexts | None, *, unique: bool) -> None:
        self._known = known
        self._distinct = DistinctTexts() if unique else None

    def of_all(self, texts: Sequence[str]) -> list[bool]:
        """Which of the texts are refused; they are in the order of the reply."""
        refused = [False] * len(texts)
        if self._known is not None and texts:
            refused = self._known.contains_all(texts).tolist()
        if self._distinct is not None:
            new = self._distinct.add_all(texts)
            refused = [is_known or not is_new for is_known, is_new in zip(refused, new, strict=True)]
        return refused
