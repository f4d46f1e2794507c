"""How likely letters follow one another, in bits, in the languages of `letters.npz`; knows no bytes."""

from __future__ import annotations

import functools
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

PATH: Final = Path(__file__).with_name("letters.npz")
SCALE: Final = 12
"""Units per bit in the file, which contains integers."""
BOUNDARY: Final = " "
"""Stands for any character that is not a letter, before and after a word."""
ASCII_LETTERS: Final = string.ascii_lowercase

FOREIGN: Final = 17.0
"""The cost in bits of a letter that the language does not have; from such a letter to one of the language, half of
it."""
EVERYDAY_IDEOGRAPH: Final = 13.0
"""The cost in bits of a common ideograph that was not counted."""
UNKNOWN_IDEOGRAPH: Final = 17.0

_EVERYDAY: Final = {
    "ja": ("euc_jp", 0xB0, 0xCF),
    "ko": ("euc_kr", 0xB0, 0xC8),
    "zh_CN": ("gb2312", 0xB0, 0xD7),
    "zh_TW": ("big5", 0xA4, 0xC6),
}
"""The leading bytes of common characters in each national standard."""

Bits = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Alphabets:
    """The languages with alphabets: `rows` has, for each language, the index of each letter in `bits` [languages,
    letters + 1, letters + 1], the cost of the second letter after the first; the last index stands for any other
    letter. `usual` [languages] is the usual cost of a pair with a non-ASCII letter in the language."""

    rows: tuple[dict[str, int], ...]
    bits: Bits
    usual: Bits

    def indices(self, characters: Sequence[str]) -> Indices:
        """The indices of these characters in each language, [languages, characters]; 0 for characters that are not
        letters."""
        letters = [folded(c) if c and is_letter(c) else "" for c in characters]
        other = self.bits.shape[1] - 1
        return np.array([[rows.get(c, other) if c else 0 for c in letters] for rows in self.rows], np.intp)


@functools.cache
def alphabets() -> Alphabets:
    """The languages with alphabets."""
    kept = [each for each in _kept() if each[2].ndim == 2]
    most = max(len(letters) for _, letters, _, _ in kept)
    bits = np.full((len(kept), most + 1, most + 1), FOREIGN, np.float32)
    bits[:, -1, :-1] = FOREIGN / 2
    for index, (_, letters, costs, _) in enumerate(kept):
        bits[index, : len(letters), : len(letters)] = costs
    rows = tuple({letter: place for place, letter in enumerate(letters)} for _, letters, _, _ in kept)
    return Alphabets(rows, bits, np.array([usual for *_, usual in kept], np.float32))


@functools.cache
def ideographs() -> tuple[dict[str, float], ...]:
    """Chinese, Japanese and Korean: the bits of each frequent character."""
    return tuple(
        dict.fromkeys(_everyday(*_EVERYDAY[name]), EVERYDAY_IDEOGRAPH) | dict(zip(letters, costs.tolist(), strict=True))
        for name, letters, costs, _ in _kept()
        if name in _EVERYDAY
    )


def is_letter(character: str) -> bool:
    """Whether a character is part of words: a letter or a combining mark."""
    return unicodedata.category(character)[0] in "LM"


def folded(character: str) -> str:
    """The lower-case form of a character, or the character itself if that form has several characters."""
    small = character.lower()
    return small if len(small) == 1 else character


def script(character: str) -> str:
    """The script that a letter belongs to, by its name."""
    return unicodedata.name(character, "?").split(" ", 1)[0].split("-", 1)[0]


def _everyday(encoding: str, first: int, last: int) -> str:
    codes = (bytes([lead, trail]) for lead in range(first, last + 1) for trail in range(0x40, 0xFF))
    return "".join(code.decode(encoding, "ignore") for code in codes)


@functools.cache
def _kept() -> tuple[tuple[str, str, Bits, float], ...]:
    with np.load(PATH) as arrays:
        names = [key.removesuffix(".letters") for key in arrays.files if key.endswith(".letters")]
        return tuple(
            (
                name,
                "".join(map(chr, arrays[f"{name}.letters"])),
                arrays[f"{name}.costs"].astype(np.float32) / SCALE,
                float(arrays[f"{name}.usual"]),
            )
            for name in names
        )
