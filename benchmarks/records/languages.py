"""The language of a sentence: quotations of Debian's fortunes packages in eight languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.records.debian import files
from benchmarks.records.parts import Parts, Row, parts

PACKAGES = {
    "cs": "fortunes-cs",
    "de": "fortunes-de",
    "en": "fortunes",
    "eo": "fortunes-eo",
    "es": "fortunes-es",
    "it": "fortunes-it",
    "pl": "fortunes-pl",
    "pt": "fortunes-br",
}
END_OF_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


def make(seed: int) -> Parts:
    """Sentences of 20 to 200 characters; those of one quotation are in one part."""
    return parts(_sentences(), seed, most=(4_000, 1_000))


def _sentences() -> Iterator[tuple[str, Row]]:
    for language, package in PACKAGES.items():
        for path in files(package, "usr/share/games/fortunes/**/*"):
            if path.suffix in (".dat", ".u8"):
                continue
            for quotation in re.split(r"^%.*$", path.read_text(encoding="utf-8", errors="ignore"), flags=re.MULTILINE):
                plain = " ".join(quotation.split())
                for sentence in END_OF_SENTENCE.split(plain):
                    if 20 <= len(sentence) <= 200:
                        yield plain, {"text": sentence, "label": language}
