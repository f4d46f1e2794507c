"""The default prompt of a model: the first words of the text that it was trained on."""

from __future__ import annotations

import unicodedata
from typing import Final

import numpy as np

from charrnn.training.text import TextIds
from charrnn.vocabulary import Vocabulary

LONGEST: Final = 24
LOOKED_AT: Final = 2000
"""How many tokens at the text's beginning are searched for a line that is not empty."""


def default_prompt(text: TextIds, vocabulary: Vocabulary) -> str:
    """The text's first line that is not empty, shortened to complete words of at most LONGEST characters together, and
    ending before anything that the vocabulary does not know. Empty if there is no such line."""
    beginning = vocabulary.decode(np.asarray(text[:LOOKED_AT], dtype=np.int32))
    _, unknown = vocabulary.encode_known(beginning)
    dropped = {position for position, _ in unknown}
    position = 0
    for line in beginning.splitlines(keepends=True):
        known = next((i for i in range(len(line)) if position + i in dropped), len(line))
        words = _first_words(line[:known].strip())
        if words and not vocabulary.encode_known(words)[1]:
            return words
        position += len(line)
    return ""


def _first_words(line: str) -> str:
    """The line cut between words or, without a space, before a character that is not a combining one."""
    printable = next((i for i, c in enumerate(line) if not c.isprintable() and c != "\t"), len(line))
    line = line[:printable].rstrip()
    if len(line) <= LONGEST:
        return line
    space = max(line.rfind(" ", 0, LONGEST + 1), line.rfind("\t", 0, LONGEST + 1))
    if space > 0:
        return line[:space].rstrip()
    end = LONGEST
    while end > 1 and (_belongs(line[end]) or line[end - 1] == "\u200d"):
        end -= 1
    return line[:end]


def _belongs(character: str) -> bool:
    """Whether a character modifies the one before it: a combining mark, a joiner, a variation selector."""
    return unicodedata.category(character).startswith("M") or character == "\u200d"
