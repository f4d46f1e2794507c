"""Which ids may not follow which others, so that a generated text is tokenized into exactly the ids that it was
generated from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.sampling import Logits

MAX_KINDS: Final = 8
"""The maximum number of kinds of ids."""


@dataclass(frozen=True, eq=False)
class Following:
    """Which ids may come next, given the latest two.

    `kinds` [vocabulary_size] int32 is the kind of each id; `rules` [MAX_KINDS, MAX_KINDS] int32 names, for the kinds of
    the last id but one (0 where there is none) and of the last, one of the `masks` [n, outputs] float32, which
    have 0 for ids that may follow and -inf for ids that may not. `masks[0]` allows every id.
    """

    kinds: npt.NDArray[np.int32]
    rules: npt.NDArray[np.int32]
    masks: Logits

    def mask(self, recent: npt.NDArray[np.int32]) -> Logits | None:
        """What is added to the logits after these latest ids; None: every id may follow."""
        earlier = self.kinds[recent[-2]] if recent.size > 1 else 0
        rule = self.rules[earlier, self.kinds[recent[-1]]]
        return self.masks[rule] if rule else None
