"""Every language in every encoding that people used for it, in several forms: a text is read right or asked back."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from service.training.corpora.conversion import AS_FOUND, convert
from service.training.corpora.encodings.evidence import SAMPLE_BYTES
from service.training.errors import EncodingError
from tests.languages import LANGUAGES
from tests.texts import FOX

LONG: Final = 10_000
TONES: Final = "\u0300\u0301\u0303\u0309\u0323"


class Entry(NamedTuple):
    """One text in one encoding, and what became of it: `right`, `asked back` or what it was taken for."""

    language: str
    encoding: str
    form: str
    outcome: str


def spelled(text: str, encoding: str) -> str:
    """The text as people type it: in cp1258 tones are characters of their own."""
    if encoding != "cp1258":
        return text
    parts = (unicodedata.normalize("NFD", letter) for letter in text)
    return "".join(
        unicodedata.normalize("NFC", "".join(c for c in part if c not in TONES))
        + "".join(c for c in part if c in TONES)
        for part in parts
    )


def forms(text: str, number: int, turn: int) -> Iterator[tuple[str, str]]:
    """What is made of a language's text in its `number`-th encoding: as it is and long; for the first one as a line
    that is longer than what is kept of a file; and by turns as a half, as a line here and there, or as a single one."""
    lines = text.splitlines(keepends=True)
    middle = len(lines) // 2
    yield "whole", text
    yield "long", text * (LONG // len(text))
    if number == 0:
        yield "one long line", text.replace("\n", " ") * (SAMPLE_BYTES // len(text) + 1)
    if turn % 3 == 0:
        yield "half", "".join(lines[middle:] if number % 2 else lines[:middle])
    elif turn % 3 == 1:
        yield "a line each 2,000 characters", "".join(FOX[:2000] + "\n" + line for line in lines)
    else:
        yield "one line", lines[0]


def outcome(path: Path, text: str, encoding: str) -> str:
    with path.open("w+b") as file:
        file.write(text.encode(encoding))
        try:
            converted = convert(file, path, AS_FOUND)
        except EncodingError:
            return "asked back"
    return "right" if path.read_bytes() == text.encode() else converted.encoding


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    path = tmp_path_factory.mktemp("uploads") / "text.txt"
    return [
        Entry(language, encoding, form, outcome(path, variant, encoding))
        for at, (language, (encodings, text)) in enumerate(LANGUAGES.items())
        for number, encoding in enumerate(encodings.split())
        for form, variant in forms(spelled(text, encoding), number, at + number)
    ]


def test_no_text_is_taken_for_another(table: list[Entry]) -> None:
    assert [entry for entry in table if entry.outcome not in ("right", "asked back")] == []
    assert len({entry.language for entry in table}) > 40


@pytest.mark.parametrize(
    ("form", "share"),
    [
        ("whole", 0.1),
        ("long", 0.1),
        ("one long line", 0.1),
        ("a line each 2,000 characters", 0.1),
        ("half", 0.2),
        ("one line", 0.6),
    ],
)
def test_few_are_asked_back(table: list[Entry], form: str, share: float) -> None:
    counts = Counter(entry.outcome for entry in table if entry.form == form)
    print(form, dict(counts))
    assert counts["asked back"] <= share * counts.total()


def test_most_languages_are_detected_in_every_encoding(table: list[Entry]) -> None:
    asked = {entry.language for entry in table if entry.form == "long" and entry.outcome == "asked back"}
    # A Romanian who writes cedillas in one encoding and one who writes commas in another send the same bytes.
    assert len(asked - {"Romanian", "Romanian with commas"}) <= 3
