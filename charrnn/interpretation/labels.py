"""Labels, one for each character of a text; knows no annotators and no networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Depths = npt.NDArray[np.float32]
Labels = Mask | Depths

Label = Callable[[str], Labels | None]
"""From a text to its labels, [len(text)]: that of character i holds after it has been read, so the opening quote is
inside, the closing one outside. None: the annotator does not apply to this text."""


@dataclass(frozen=True, slots=True)
class Annotator:
    """A property of text that a unit may follow: `slug` is its name in URLs, `name` the one for readers."""

    slug: str
    name: str
    label: Label


def is_mask(labels: Labels) -> bool:
    """Whether the labels are booleans rather than numbers."""
    return labels.dtype == np.bool_


def occurrences(labels: Labels) -> int:
    """The number of runs of true labels; for numbers, of labels above their mean."""
    high: Mask = np.asarray(labels > 0 if is_mask(labels) else labels > labels.mean(dtype=np.float64))
    return int(np.count_nonzero(high[1:] & ~high[:-1])) + bool(high.size and high[0])


def marked(length: int, spans: list[tuple[int, int]]) -> Mask:
    """True within the spans (start, stop)."""
    mask = np.zeros(length, dtype=np.bool_)
    for start, stop in spans:
        mask[start:stop] = True
    return mask
