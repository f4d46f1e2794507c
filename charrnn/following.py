"""Which ids may not be generated after which, so that a text is read again as the very ids that it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.sampling import Logits

MAX_KINDS: Final = 8
"""Kinds of ids, at most."""


@dataclass(frozen=True, eq=False)
class Following:
    """What the latest two ids leave to the next one.

    `kinds` [vocabulary_size] int32 is the kind of each id; `rules` [MAX_KINDS, MAX_KINDS] int32 names, for the kinds of
    the last id but one (0 where there is none) and of the last, one of the `masks` [n, vocabulary_size] float32,
    which have 0 for what may follow and -inf for what may not. In `masks[0]` everything may.
    """

    kinds: npt.NDArray[np.int32]
    rules: npt.NDArray[np.int32]
    masks: Logits

    def mask(self, recent: npt.NDArray[np.int32]) -> Logits | None:
        """What is added to the logits after the latest ids; None: everything may follow."""
        earlier = self.kinds[recent[-2]] if recent.size > 1 else 0
        rule = self.rules[earlier, self.kinds[recent[-1]]]
        return self.masks[rule] if rule else None
