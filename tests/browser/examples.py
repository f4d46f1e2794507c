"""Labelled examples from this repository, for the pictures in the documentation."""

from __future__ import annotations

import csv
import io
import json
import keyword
import tokenize
from typing import Final

from tests.system.running import ROOT

KINDS: Final = {
    "CSS": "service/**/*.css",
    "HTML": "service/**/*.html",
    "JavaScript": "service/**/static/*.js",
    "Markdown": "docs/**/*.md",
    "Python": "charrnn/**/*.py",
}


def lines_by_kind() -> str:
    """Lines of files with the kind of the file, as CSV."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["line", "language"])
    for kind, pattern in KINDS.items():
        texts = [line.strip() for path in sorted(ROOT.glob(pattern)) for line in path.read_text().splitlines()]
        writer.writerows([text, kind] for text in texts[:3000] if 8 < len(text) < 120)
    return table.getvalue()


def tagged_python() -> str:
    """Lines of Python with the kind of each character's token, as JSONL."""
    found = []
    for path in sorted((ROOT / "charrnn").rglob("*.py")):
        for line in map(str.strip, path.read_text().splitlines()):
            try:
                tags = _tags(line)
            except (tokenize.TokenError, SyntaxError):
                continue
            if 8 < len(line) < 100:
                found.append(json.dumps({"text": line, "tags": tags}))
    return "\n".join(found) + "\n"


def _tags(line: str) -> list[str]:
    tags = ["space"] * len(line)
    for token in tokenize.generate_tokens(io.StringIO(line).readline):
        kind = "keyword" if keyword.iskeyword(token.string) else tokenize.tok_name[token.type].lower()
        if token.start[0] == 1:
            tags[token.start[1] : token.end[1]] = [kind] * len(line[token.start[1] : token.end[1]])
    return tags
