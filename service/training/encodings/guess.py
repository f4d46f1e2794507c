"""The encoding of a text that does not say it: every one is tried, and one is believed that is better by far."""

from __future__ import annotations

import codecs
import functools
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.training.encodings.evidence import Counts, Evidence, counted
from service.training.encodings.names import COMMON, MULTI_BYTE, SINGLE_BYTE
from service.training.encodings.plausibility import (
    Characters,
    fit_of_ideographs,
    fit_of_pairs,
    fit_of_text,
    is_of_one_script,
)

MARGIN: Final = 24.0
"""Bits by which a reading must beat every other one that gives another text: one in 16 million."""
MARGIN_OF_SIGNS: Final = 36.0
"""The same for a reading in which there are signs and no letters beyond ASCII, since no language speaks for it."""
MARGIN_EACH: Final = 0.75
"""The same for each place where the two differ, since no language is known well enough to add up trifles."""
RARE: Final = 14.0
"""Bits of an encoding that few files are in."""
STRANGE_PAIR: Final = 1.5
STRANGE_IDEOGRAPH: Final = 3.5
"""Most bits that a text may take beyond what is usual, for each pair of letters or each character of the East."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file is in one encoding, and how many bits that takes; `spells`: it has letters beyond ASCII; `table` has
    what each byte stands for, or `text` what the sample is."""

    encoding: str
    bits: float
    strangeness: float
    plausible: bool
    spells: bool = True
    table: tuple[str, ...] = ()
    text: str = ""


def readings(evidence: Evidence) -> list[Reading]:
    """The different texts that the file can be, the most plausible one first, each under its first encoding's name."""
    return sorted([*_by_one(evidence.pairs), *_by_several(evidence)], key=lambda reading: reading.bits)


def is_clear(first: Reading, second: Reading | None, evidence: Evidence) -> bool:
    """Whether the first reading is plausible, and better by far than the second."""
    if not first.plausible:
        return False
    if second is None:
        return True
    least = MARGIN if first.spells else MARGIN_OF_SIGNS
    return second.bits - first.bits >= max(least, MARGIN_EACH * _places_that_differ(first, second, evidence))


def is_plausible(text: str) -> bool:
    """Whether what a text has beyond ASCII is written in some language."""
    words = "\n".join(word for word in text.split() if not word.isascii())
    return (
        not words
        or fit_of_text(words).strangeness <= STRANGE_PAIR
        or fit_of_ideographs(words).strangeness <= STRANGE_IDEOGRAPH
        or is_of_one_script(words)
    )


def _by_one(pairs: Counts) -> list[Reading]:
    found = np.flatnonzero(pairs)
    first, second, numbers = found >> 8, found & 0xFF, pairs[found]
    occurring = np.unique(np.concatenate([first, second]))
    by_text: dict[tuple[str, ...], Reading] = {}
    for encoding in SINGLE_BYTE:
        table, characters = _table(encoding)
        text = tuple(table[byte] for byte in occurring.tolist())
        if "" not in text and text not in by_text:
            fit = fit_of_pairs(characters, first, second, numbers)
            bits = fit.bits if encoding in COMMON else fit.bits + RARE
            spells = bool(characters.letters[occurring].any())
            by_text[text] = Reading(encoding, bits, fit.strangeness, fit.strangeness <= STRANGE_PAIR, spells, table)
    return list(by_text.values())


def _by_several(evidence: Evidence) -> list[Reading]:
    scale = evidence.pairs.sum() / max(1, counted(evidence.sample).sum())
    by_text: dict[str, Reading] = {}
    for encoding in (name for group in MULTI_BYTE for name in group):
        text = _decoded(evidence.sample, encoding)
        if text and text not in by_text:
            fit = fit_of_ideographs(text)
            plausible = fit.strangeness <= STRANGE_IDEOGRAPH
            by_text[text] = Reading(encoding, fit.bits * scale, fit.strangeness, plausible, text=text)
    return list(by_text.values())


def _decoded(sample: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(sample)
    except UnicodeDecodeError:
        return ""


def _places_that_differ(first: Reading, second: Reading, evidence: Evidence) -> int:
    """How many pairs of bytes are read differently."""
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
