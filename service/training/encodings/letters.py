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
"""What a bit is in the file, whose numbers are whole."""
BOUNDARY: Final = " "
"""Stands for whatever is no letter, before and after a word."""
ASCII_LETTERS: Final = string.ascii_lowercase

FOREIGN: Final = 17.0
"""Bits of a letter that the language does not have; from it to one that it has, half of them."""
EVERYDAY_IDEOGRAPH: Final = 13.0
"""Bits of a character that is taught at school and was not counted."""
UNKNOWN_IDEOGRAPH: Final = 17.0

_EVERYDAY: Final = {
    "ja": ("euc_jp", 0xB0, 0xCF),
    "ko": ("euc_kr", 0xB0, 0xC8),
    "zh_CN": ("gb2312", 0xB0, 0xD7),
    "zh_TW": ("big5", 0xA4, 0xC6),
}
"""The leading bytes under which each national standard has the characters of everyday use."""

Bits = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Alphabets:
    """The languages that write with an alphabet, all at once: `rows` has the place of each letter of each language in
    `bits`, [languages, letters + 1, letters + 1], the cost of the second one after the first; the last place is that of
    any other letter. `usual`, [languages], is what a pair with a letter beyond ASCII takes in the language's texts."""

    rows: tuple[dict[str, int], ...]
    bits: Bits
    usual: Bits

    def places(self, characters: Sequence[str]) -> Indices:
        """The places of these characters in each language, [languages, characters]; 0 for what is no letter."""
        letters = [folded(c) if c and is_letter(c) else "" for c in characters]
        other = self.bits.shape[1] - 1
        return np.array([[rows.get(c, other) if c else 0 for c in letters] for rows in self.rows], np.intp)


@functools.cache
def alphabets() -> Alphabets:
    """The languages that write with an alphabet."""
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
    """Whether a character is a part of words: a letter or a mark upon one."""
    return unicodedata.category(character)[0] in "LM"


def folded(character: str) -> str:
    """The small letter of one; itself where that is no single character."""
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
