"""Guesses the encoding of a text without a declared one: all are tried, and one is accepted if it is better by a wide
margin."""

from __future__ import annotations

import codecs
import functools
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.training.corpora.encodings.evidence import Counts, Evidence, counted
from service.training.corpora.encodings.names import COMMON, MULTI_BYTE, SINGLE_BYTE
from service.training.corpora.encodings.plausibility import (
    Characters,
    fit_of_ideographs,
    fit_of_pairs,
    fit_of_text,
    is_of_one_script,
)

MARGIN: Final = 24.0
"""In bits: by how much a guess must be better than every guess that gives a different text: one in 16 million."""
MARGIN_OF_SIGNS: Final = 36.0
"""The same for a guess with non-ASCII signs but no non-ASCII letters, which no language supports."""
MARGIN_EACH: Final = 0.75
"""The same for each position where the two differ, because the models of languages are not exact enough to add up small
differences."""
RARE: Final = 14.0
"""The cost in bits of an encoding that is rarely used."""
STRANGE_PAIR: Final = 1.5
STRANGE_IDEOGRAPH: Final = 3.5
"""The maximum number of bits above the usual, for each pair of letters or each ideograph."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A file as decoded with one encoding, and its cost in bits; `spells`: whether it has non-ASCII letters; `table`
    has the character of each byte, or `text` the decoded sample."""

    encoding: str
    bits: float
    strangeness: float
    plausible: bool
    spells: bool = True
    table: tuple[str, ...] = ()
    text: str = ""


def guesses(evidence: Evidence) -> list[Guess]:
    """The different texts that the file can be, the most plausible first, each with the first of its encodings."""
    return sorted([*_by_one(evidence.pairs), *_by_several(evidence)], key=lambda guess: guess.bits)


def is_clear(first: Guess, second: Guess | None, evidence: Evidence) -> bool:
    """Whether the first guess is plausible, and better than the second by a wide margin."""
    if not first.plausible:
        return False
    if second is None:
        return True
    least = MARGIN if first.spells else MARGIN_OF_SIGNS
    return second.bits - first.bits >= max(least, MARGIN_EACH * _differences(first, second, evidence))


def is_plausible(text: str) -> bool:
    """Whether the non-ASCII characters of a text are plausible in some language."""
    words = "\n".join(word for word in text.split() if not word.isascii())
    return (
        not words
        or fit_of_text(words).strangeness <= STRANGE_PAIR
        or fit_of_ideographs(words).strangeness <= STRANGE_IDEOGRAPH
        or is_of_one_script(words)
    )


def _by_one(pairs: Counts) -> list[Guess]:
    found = np.flatnonzero(pairs)
    first, second, numbers = found >> 8, found & 0xFF, pairs[found]
    occurring = np.unique(np.concatenate([first, second]))
    by_text: dict[tuple[str, ...], Guess] = {}
    for encoding in SINGLE_BYTE:
        table, characters = _table(encoding)
        text = tuple(table[byte] for byte in occurring.tolist())
        if "" not in text and text not in by_text:
            fit = fit_of_pairs(characters, first, second, numbers)
            bits = fit.bits if encoding in COMMON else fit.bits + RARE
            spells = bool(characters.letters[occurring].any())
            by_text[text] = Guess(encoding, bits, fit.strangeness, fit.strangeness <= STRANGE_PAIR, spells, table)
    return list(by_text.values())


def _by_several(evidence: Evidence) -> list[Guess]:
    scale = evidence.pairs.sum() / max(1, counted(evidence.sample).sum())
    by_text: dict[str, Guess] = {}
    for encoding in (name for group in MULTI_BYTE for name in group):
        text = _decoded(evidence.sample, encoding)
        if text and text not in by_text:
            fit = fit_of_ideographs(text)
            plausible = fit.strangeness <= STRANGE_IDEOGRAPH
            by_text[text] = Guess(encoding, fit.bits * scale, fit.strangeness, plausible, text=text)
    return list(by_text.values())


def _decoded(sample: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeDecodeError:
        return ""


def _differences(first: Guess, second: Guess, evidence: Evidence) -> int:
    """How many pairs of bytes are decoded differently."""
    if first.table and second.table:
        differ = np.array([a != b for a, b in zip(first.table, second.table, strict=True)])
        table = evidence.pairs.reshape(256, 256)
        return int(table[differ].sum() + table[~differ][:, differ].sum())
    if len(first.text) == len(second.text):
        return sum(a != b for a, b in zip(first.text, second.text, strict=True))
    return int(evidence.pairs.sum()) // 2


@functools.cache
def _table(encoding: str) -> tuple[tuple[str, ...], Characters]:
    table = tuple(bytes([byte]).decode(encoding, "ignore") for byte in range(256))
    return table, Characters.of(table)
