"""What a reader can say of every character of a text; knows no annotator and no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Depths = npt.NDArray[np.float32]
Labels = Mask | Depths

Label = Callable[[str], Labels | None]
"""From a text to its labels, [len(text)]: of character i, what holds once it has been read. After an opening quote one
is inside, after the closing one outside. None: the annotator does not apply to such a text."""


@dataclass(frozen=True, slots=True)
class Annotator:
    """Something that a unit may follow: `slug` names it in addresses, `name` to a reader."""

    slug: str
    name: str
    label: Label


def is_mask(labels: Labels) -> bool:
    """Whether the labels are true or false, not numbers."""
    return labels.dtype == np.bool_


def occurrences(labels: Labels) -> int:
    """How many runs of true labels there are; of numbers, of those above their mean."""
    high: Mask = np.asarray(labels > 0 if is_mask(labels) else labels > labels.mean(dtype=np.float64))
    return int(np.count_nonzero(high[1:] & ~high[:-1])) + bool(high.size and high[0])


def marked(length: int, spans: list[tuple[int, int]]) -> Mask:
    """True from each span's first index to before its second."""
    mask = np.zeros(length, dtype=np.bool_)
    for start, stop in spans:
        mask[start:stop] = True
    return mask
