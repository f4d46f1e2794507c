"""Builds `letters.npz`: how often letters follow each other in each language, counted in translations.

    python -m service.training.corpora.encodings.count_letters /usr/share/locale ...

A folder contains gettext catalogues, or texts such as `de.txt`. The file in this folder was built from Debian's: the
catalogues of GNU's and GNOME's programs (a base system, glib, gtk, evolution, gedit, evince, epiphany), manual pages,
GNOME's user documentation and fortunes.
"""

from __future__ import annotations

import gettext
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from service.training.corpora.encodings.letters import ASCII_LETTERS, BOUNDARY, PATH, SCALE, folded, is_letter, script

MIN_LETTERS: Final = 200
"""How many non-ASCII letters a language must have in its texts to be included."""
RARE: Final = 2e-4
"""A letter with a smaller share of the non-ASCII letters is taken to be from foreign words."""
FEW: Final = 4
"""A letter that occurs at most this often is ignored."""
SMOOTHING: Final = 8.0
"""How many pairs are added, distributed like single letters, so that a pair that does not occur has a cost."""
IDEOGRAPHS: Final = 3_000
"""The maximum number of characters of a language with ideographs, of which single characters are counted."""

Counted = tuple[str, npt.NDArray[np.uint8], float]
"""Letters, the costs of pairs, and the usual cost of a pair in a text."""

_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI"})
_EASTERN: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_COMMAS: Final = str.maketrans("şţŞŢ", "șțȘȚ")
_CEDILLAS: Final = str.maketrans("șțȘȚ", "şţŞŢ")
_TONES: Final = "\u0300\u0301\u0303\u0309\u0323"
_MARKUP: Final = re.compile(r"<[^>]*>|%[-+ #0-9.*$]*[a-zA-Z%]|[_&\x04]|\{[^}]*\}|&\w+;")
_SAME: Final = {"zh_HK": "zh_TW", "pt_BR": "pt"}
_LOCALE: Final = re.compile(r"[a-z]{2,3}|zh_..|pt_BR|sr@latin")


def main(folders: Iterable[str]) -> None:
    """Count the languages of these folders of catalogues."""
    kept: dict[str, npt.NDArray[np.generic]] = {}
    for language, messages in sorted(_messages(map(Path, folders)).items()):
        counted = _counted(messages)
        if counted is not None:
            letters, costs, usual = counted
            kept[f"{language}.letters"] = np.array(list(map(ord, letters)), np.int32)
            kept[f"{language}.costs"] = costs
            kept[f"{language}.usual"] = np.array(usual, np.float32)
    np.savez_compressed(PATH, **kept)  # type: ignore[arg-type]


def _messages(roots: Iterable[Path]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for root in roots:
        for path in root.glob("*/LC_MESSAGES/*.mo"):
            language = path.parts[-3]
            if not path.name.startswith("iso_") and _LOCALE.fullmatch(language):
                language = _SAME.get(language, language)
                for original, translation in _catalogue(path):
                    if original.isascii():
                        found["en"].add(original)
                    found[language].add(translation)
        for path in root.glob("*.txt"):
            text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
            found[_SAME.get(path.stem, path.stem)].update(text.splitlines())
    found["vi"] |= set(map(_tones_apart, found["vi"]))  # as cp1258 writes them
    found["ro"] = {text.translate(form) for text in found["ro"] for form in (_COMMAS, _CEDILLAS)}  # people write both
    return found


def _catalogue(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        try:
            entries = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        except (OSError, UnicodeError, ValueError, IndexError):  # an old or empty one
            return
    for key, text in entries.items():
        if key:
            original = key if isinstance(key, str) else key[0]
            yield _MARKUP.sub(" ", original), unicodedata.normalize("NFC", _MARKUP.sub(" ", text))


def _tones_apart(text: str) -> str:
    letters = (unicodedata.normalize("NFD", letter) for letter in text)
    return "".join(
        unicodedata.normalize("NFC", "".join(c for c in parts if c not in _TONES))
        + "".join(c for c in parts if c in _TONES)
        for parts in letters
    )


def _counted(messages: Iterable[str]) -> Counted | None:
    singles: Counter[str] = Counter()
    for message in messages:
        singles.update(folded(c) for c in message if c > "\x7f" and not c.isspace())
    scripts: Counter[str] = Counter()
    for letter, number in singles.items():
        if is_letter(letter):
            scripts[script(letter)] += number
    main_script, number = scripts.most_common(1)[0] if scripts else ("", 0)
    if main_script in _EASTERN:
        return _single_costs(singles)
    if main_script in _SCRIPTS and number >= MIN_LETTERS:
        frequent = (c for c, n in singles.items() if n > max(RARE * number, FEW) and is_letter(c))
        letters = sorted(c for c in frequent if script(c) in (main_script, "COMBINING"))
        return _pair_costs("".join(letters), messages)
    return _pair_costs("", messages) if main_script == "LATIN" and sum(map(len, messages)) > 1_000_000 else None


def _single_costs(singles: Counter[str]) -> Counted:
    total = singles.total()
    common = singles.most_common(IDEOGRAPHS)
    costs = _scaled(np.array([n / total for _, n in common]))
    return "".join(c for c, _ in common), costs, _mean(costs, np.array([float(n) for _, n in common]))


def _pair_costs(own: str, messages: Iterable[str]) -> Counted:
    letters = BOUNDARY + ASCII_LETTERS + own
    row = {letter: index for index, letter in enumerate(letters)}
    counts = np.zeros((len(letters), len(letters)))
    for pair, number in _pairs(messages).items():
        if pair[0] in row and pair[1] in row:
            counts[row[pair[0]], row[pair[1]]] += number
    alone = (counts.sum(0) + 0.5) / (counts.sum() + 0.5 * len(letters))
    costs = _scaled((counts + SMOOTHING * alone) / (counts.sum(1, keepdims=True) + SMOOTHING))
    plain = len(BOUNDARY + ASCII_LETTERS)
    costs[:plain, :plain] = 0  # the same in every encoding: never needed
    counts[:plain, :plain] = 0
    return letters, costs, _mean(costs, counts)


def _mean(costs: npt.NDArray[np.uint8], counts: npt.NDArray[np.float64]) -> float:
    """The usual bits for a pair in the language."""
    return float((costs * counts).sum() / max(1, counts.sum()) / SCALE)


def _pairs(messages: Iterable[str]) -> Counter[tuple[str, str]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for message in messages:
        words = "".join(folded(c) if is_letter(c) else BOUNDARY for c in message).split(BOUNDARY)
        for word in words:
            if word:
                pairs.update(zip(BOUNDARY + word, word + BOUNDARY, strict=True))
    return pairs


def _scaled(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.clip(np.round(-np.log2(probabilities) * SCALE), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main(sys.argv[1:])
