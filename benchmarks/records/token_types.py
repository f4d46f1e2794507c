"""The token type of each character: Python's standard library, read by its own tokenizer."""

from __future__ import annotations

import io
import sysconfig
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from benchmarks.records.parts import Parts, Row, parts

SPACE = "SPACE"
LENGTHS = range(20, 2_001)
MOST = (3_000, 600)


def make(seed: int) -> Parts:
    """Functions, classes and other statements at the top level, of 20 to 2,000 characters; those of one file are in one
    part."""
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path for path in library.rglob("*.py") if not {"site-packages", "test", "tests"} & {*path.parts})
    return parts(((str(path), row) for path in paths for row in _statements(path)), seed, most=MOST)


def _statements(path: Path) -> Iterator[Row]:
    try:
        text = path.read_text(encoding="utf-8")
        tags = _tags(text)
    except (SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return
    begins = [0, *_tops(text, tags), len(text)]
    for begin, end in pairwise(begins):
        if end - begin in LENGTHS:
            yield {"text": text[begin:end], "tags": tags[begin:end]}


def _tags(text: str) -> list[str]:
    """The type of the token that each character belongs to; `SPACE` between tokens."""
    tags = [SPACE] * len(text)
    starts = [0]
    for line in io.StringIO(text):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        (row, column), (last_row, last_column) = token.start, token.end
        if last_row < len(starts):
            begin, end = starts[row - 1] + column, starts[last_row - 1] + last_column
            tags[begin:end] = [tokenize.tok_name[token.type]] * (min(end, len(text)) - begin)
    return tags


def _tops(text: str, tags: list[str]) -> Iterator[int]:
    """Where a statement at the top level begins."""
    for at in range(1, len(text)):
        if text[at - 1] == "\n" and tags[at - 1] in ("NEWLINE", "NL") and tags[at] in ("NAME", "OP", "COMMENT"):
            yield at
