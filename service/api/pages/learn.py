"""The parts of the page Learn, in the order of the article that this service grew out of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its template `templates/learn/NAME.html`, its script `static/learn/NAME.js`, and its title."""

    name: str
    title: str


PARTS: Final = (
    Part("over-time", "One set of parameters over time"),
    Part("split", "One matrix, whole and split"),
    Part("arrangements", "What is read, and what is written"),
    Part("language-model", "A language model of characters"),
    Part("training", "Trained on plays, LaTeX and C"),
    Part("truncation", "Backpropagation in segments"),
    Part("cells", "What cells do"),
    Part("vanishing", "Vanishing and exploding gradients"),
)
