"""How plausible a text is: its cost in bits under models of the letters of every language."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from service.training.corpora.encodings.letters import (
    UNKNOWN_IDEOGRAPH,
    Bits,
    Indices,
    alphabets,
    ideographs,
    is_letter,
    script,
)

MIXED_SCRIPTS: Final = 10.0
"""The cost in bits of two adjacent letters of different scripts."""
CHANCE: Final = 16.0
"""By how many bits the mean over pairs may deviate, divided by the root of their number: four standard deviations."""
FEWEST_WITHIN_WORDS: Final = 0.25
"""The share of the pairs with a non-ASCII letter that must consist of two letters, as within words; words of one
letter, such as the Italian e with an accent, are not counted."""
FEWEST_OF_LONGER_WORDS: Final = 0.1
"""The same including words of one letter, for which a sign of another encoding can be mistaken."""
USUAL_WORD: Final = 7.0
"""The maximum cost in bits of a letter at the start of a word that is a word by itself in its language."""
FEWEST_OF_A_SCRIPT: Final = 3
SHARE_OF_A_SCRIPT: Final = 0.9
"""The share of one script that shows that a text is in a language that was not counted: a wrong encoding gives letters
of many scripts."""
USUAL_IDEOGRAPH: Final = 8.5
"""The usual cost in bits of a character in Chinese, the highest of the three languages."""
IMPOSSIBLE: Final = 60.0
"""The cost in bits of control characters and unassigned ones, which texts do not contain."""

UNCLOSED: Final = 17.0
"""The cost in bits of an unclosed quotation: that of a foreign letter."""

_KINDS: Final = ("other", "small", "capital", "opening", "closing", "dash", "space", "sign", "odd", "control")
_FROM_TO: Final = np.array(
    [  # to: other small capital opening closing dash space sign odd control
        [0.0, 0.2, 3.0, 7, 10, 6, 7, 9, 16, IMPOSSIBLE],  # from a non-letter: words rarely begin with a capital
        [0.0, 0.0, 12.0, 14, 6, 9, 8, 11, 16, IMPOSSIBLE],  # from a small letter: no capital follows within a word
        [0.0, 0.7, 1.5, 14, 7, 9, 8, 11, 16, IMPOSSIBLE],
        [6.0, 1.0, 2.0, 10, 10, 10, 6, 10, 16, IMPOSSIBLE],  # from an opening mark
        [0.5, 3.0, 4.0, 10, 6, 6, 6, 11, 16, IMPOSSIBLE],
        [0.5, 2.0, 3.0, 6, 8, 8, 6, 11, 16, IMPOSSIBLE],
        [0.5, 2.0, 3.0, 5, 6, 5, 7, 8, 16, IMPOSSIBLE],
        [1.0, 5.0, 5.0, 8, 6, 8, 6, 9, 16, IMPOSSIBLE],
        [2.0, 8.0, 8.0, 10, 10, 10, 10, 14, 9, IMPOSSIBLE],
        [IMPOSSIBLE] * 10,
    ],
    np.float32,
)
"""The cost in bits of a kind of character after another kind, in any language."""
_LETTERS: Final = (1, 2)
_MARKS: Final = {
    **dict.fromkeys("‘“«„‚‹¿¡", "opening"),  # noqa: RUF001
    **dict.fromkeys("’”»›…´", "closing"),  # noqa: RUF001
    **dict.fromkeys("–—", "dash"),  # noqa: RUF001
    **dict.fromkeys("°§©®™€£·•×²³½¼¾µ№ªº±", "sign"),  # noqa: RUF001
    "\xa0": "space",
}
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "ARMENIAN", "GEORGIAN")
"""Scripts that are not mixed within a word."""

_QUOTES: Final = {**dict.fromkeys("„‚", 1), **dict.fromkeys("“”‘’«»", -1)}  # noqa: RUF001
"""Opening quotation marks (1), and those that can close one."""
_BLANKS: Final = " \t\n\r\xa0\"'(["
"""Characters that precede words."""
_COUNTED: Final = ("LATIN", "CYRILLIC", "GREEK", "CJK", "HIRAGANA", "KATAKANA", "HANGUL")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """Properties of characters that may occur: their kinds, their scripts and their indices in every language."""

    kinds: Indices
    scripts: Indices
    alphabetic: npt.NDArray[np.bool_]
    """Letters, including ASCII."""
    letters: npt.NDArray[np.bool_]
    """Non-ASCII letters."""
    blanks: npt.NDArray[np.bool_]
    quotes: Indices
    indices: Indices

    @classmethod
    def of(cls, characters: Sequence[str]) -> Characters:
        """The properties of these characters; an empty string stands for one that cannot occur."""
        kinds = np.array([_KINDS.index(_kind(c) if c else "control") for c in characters], np.intp)
        scripts = np.array([_script(c) if c else 0 for c in characters], np.intp)
        letters = np.array([c > "\x7f" and is_letter(c) for c in characters])
        blanks = np.array([c != "" and c in _BLANKS for c in characters])
        quotes = np.array([_QUOTES.get(c, 0) for c in characters], np.intp)
        return cls(kinds, scripts, np.isin(kinds, _LETTERS), letters, blanks, quotes, alphabets().indices(characters))


@dataclass(frozen=True, slots=True)
class LanguageFit:
    """How well a text fits its best language: its cost in bits, and how much a pair with a non-ASCII letter costs above
    the usual."""

    bits: float
    strangeness: float


def fit_of_pairs(characters: Characters, first: Indices, second: Indices, numbers: Numbers) -> LanguageFit:
    """The fit of pairs of these characters: `first[i]` before `second[i]`, `numbers[i]` times."""
    common = _common_bits(characters, first, second)
    spelled = characters.alphabetic[first] | characters.alphabetic[second]
    unclosed = max(0, int(characters.quotes[first] @ numbers))
    others = float(common[~spelled] @ numbers[~spelled]) + UNCLOSED * unclosed
    first, second, numbers, common = first[spelled], second[spelled], numbers[spelled], common[spelled]
    languages = np.arange(len(characters.indices))[:, None]
    bits = alphabets().bits[languages, characters.indices[:, first], characters.indices[:, second]]
    totals = bits @ numbers.astype(np.float64)
    best = int(np.argmin(totals))
    own = characters.letters[first] | characters.letters[second]
    total = others + float(common @ numbers) + float(totals[best])
    words = characters.blanks[first] & characters.letters[second] & (bits[best] <= USUAL_WORD)
    within = int(numbers[own & _within_words(characters, first, second)].sum())
    pairs, alone = int(numbers[own].sum()), 2 * int(numbers[words].sum())
    if within < max(FEWEST_WITHIN_WORDS * (pairs - alone), FEWEST_OF_LONGER_WORDS * pairs):
        return LanguageFit(total, IMPOSSIBLE)  # isolated letters may be signs in another encoding
    usual = float(alphabets().usual[best])
    return LanguageFit(total, _strangeness((common + bits[best])[own], numbers[own], usual))


def _within_words(characters: Characters, first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
    """Which pairs are two letters of one script."""
    letters = characters.alphabetic[first] & characters.alphabetic[second]
    both: npt.NDArray[np.bool_] = letters & ~_mixed(characters, first, second)
    return both


def _strangeness(bits: Bits, numbers: Numbers, usual: float) -> float:
    """By how many bits the mean exceeds the usual one, minus what chance can explain for this number of pairs."""
    if not numbers.size:
        return 0.0
    return float(bits @ numbers) / int(numbers.sum()) - usual - CHANCE / float(np.sqrt(numbers.size))


def fit_of_text(text: str) -> LanguageFit:
    """The fit of a text's non-ASCII characters as pairs of letters."""
    characters = sorted(set(text) | {"\n"})
    row = {character: index for index, character in enumerate(characters)}
    codes = np.array([row["\n"], *map(row.__getitem__, text), row["\n"]], np.intp)
    beyond = np.array([character > "\x7f" for character in characters])
    pairs = codes[:-1] * len(characters) + codes[1:]
    found, numbers = np.unique(pairs[beyond[codes[:-1]] | beyond[codes[1:]]], return_counts=True)
    first, second = np.divmod(found, len(characters))
    return fit_of_pairs(Characters.of(characters), first, second, numbers)


def fit_of_ideographs(text: str) -> LanguageFit:
    """The fit of a text's non-ASCII characters as Chinese, Japanese or Korean."""
    found, numbers = np.unique(np.array([c for c in text if c > "\x7f"]), return_counts=True)
    characters = found.tolist()
    strange = [IMPOSSIBLE if _is_control(c) else UNKNOWN_IDEOGRAPH for c in characters]
    costs = ([language.get(c, bits) for c, bits in zip(characters, strange, strict=True)] for language in ideographs())
    bits = min(float(np.array(each, np.float64) @ numbers) for each in costs)
    return LanguageFit(bits, bits / max(1, int(numbers.sum())) - USUAL_IDEOGRAPH)


def is_of_one_script(text: str) -> bool:
    """Whether nearly all non-ASCII letters are of one script, even if its languages were not counted."""
    scripts = Counter(script(c) for c in text if c > "\x7f" and is_letter(c))
    name, number = max(scripts.items(), key=lambda item: item[1], default=("", 0))
    return name not in _COUNTED and number >= max(FEWEST_OF_A_SCRIPT, SHARE_OF_A_SCRIPT * scripts.total())


def _common_bits(characters: Characters, first: Indices, second: Indices) -> Bits:
    """The part of the cost that does not depend on the language: kinds of characters, and mixed scripts."""
    mixed = _mixed(characters, first, second).astype(np.float32)
    bits: Bits = _FROM_TO[characters.kinds[first], characters.kinds[second]] + np.float32(MIXED_SCRIPTS) * mixed
    return bits


def _mixed(characters: Characters, first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
    """Which pairs are letters of different scripts."""
    before, after = characters.scripts[first], characters.scripts[second]
    mixed: npt.NDArray[np.bool_] = (before != after) & (before > 0) & (after > 0)
    return mixed


@functools.cache
def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if is_letter(character):
        return "capital" if category in ("Lu", "Lt") else "small"
    if character in _MARKS:
        return _MARKS[character]
    if character < "\x7f":
        return "other"
    if category == "Cf":
        return "space"
    return "control" if _is_control(character) else "odd"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")


def _script(character: str) -> int:
    name = script(character) if unicodedata.category(character)[0] == "L" else ""
    return _SCRIPTS.index(name) + 1 if name in _SCRIPTS else 0
